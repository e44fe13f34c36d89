// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>
#include <elfutils/libdwelf.h>

#include "agent/base/cleanup.h"
#include "agent/sites/debug.h"
#include "agent/sites/scopes.h"

#define UNIT_RANGES_MAX (4u << 20)
#define OVERLAPS_MAX	16 /* ranges looked at when some overlap */

struct unit_range {
	uint64_t start, end;
	Dwarf_Off unit; /* of the unit's DIE */
};

struct debug {
	struct image separate; /* empty when the module has its own DWARF */
	Elf *elf;
	Dwarf *dwarf;
	struct unit_range *ranges; /* by start */
	size_t n, room;
};

/* Some compilers write no .debug_aranges, so the units' own ranges make the index. */
static int add_range(struct debug *d, uint64_t start, uint64_t end, Dwarf_Off unit)
{
	if (end <= start || d->n == UNIT_RANGES_MAX)
		return 0;
	if (d->n == d->room) {
		size_t room = d->room ? 2 * d->room : 64;
		struct unit_range *more = reallocarray(d->ranges, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		d->ranges = more;
		d->room = room;
	}
	d->ranges[d->n++] = (struct unit_range){ start, end, unit };
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct unit_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int index_unit(struct debug *d, Dwarf_Die *unit)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;
	int r = 0;

	while (r == 0 && (at = dwarf_ranges(unit, at, &base, &start, &end)) > 0)
		r = add_range(d, start, end, dwarf_dieoffset(unit));
	return r;
}

static int index_units(struct debug *d)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;
	uint8_t type;
	int r = 0;

	while (r == 0 && dwarf_get_units(d->dwarf, cu, &cu, NULL, &type, &unit, NULL) == 0)
		if (type == DW_UT_compile || type == DW_UT_skeleton)
			r = index_unit(d, &unit);
	if (r == 0 && d->n > 1)
		qsort(d->ranges, d->n, sizeof(*d->ranges), compare_ranges);
	return r < 0 ? r : d->n > 0 ? 0 : -ENODATA;
}

static void close_dwarf(struct debug *d)
{
	if (d->dwarf)
		dwarf_end(d->dwarf);
	free(d->ranges);
	image_close(&d->separate);
	*d = (struct debug){ 0 };
}

void debug_free(struct debug *d)
{
	if (!d)
		return;
	close_dwarf(d);
	free(d);
}

static int open_dwarf(struct debug *d, Elf *elf)
{
	d->elf = elf;
	d->dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	return d->dwarf ? index_units(d) : -ENODATA;
}

static int open_separate(struct debug *d, const struct module *m, const struct source *source)
{
	struct wire_ask ask = { .kind = WIRE_DEBUG_FILE };
	_cleanup_close_ int fd = -1;
	const void *id;
	ssize_t size = dwelf_elf_gnu_build_id(m->image.elf, &id);
	int r;

	if (size < 2 || size > WIRE_BUILD_ID_MAX)
		return -ENODATA;
	ask.build_id_size = (uint32_t)size;
	memcpy(ask.build_id, id, (size_t)size);
	r = source->open(source->context, &ask, &fd);
	if (r == 0)
		r = image_load(fd, &d->separate);
	return r < 0 ? r : open_dwarf(d, d->separate.elf);
}

struct debug *debug_get(struct module *m, const struct source *source)
{
	struct debug d = { 0 };

	if (m->debug_looked)
		return m->debug;
	m->debug_looked = true;
	if (open_dwarf(&d, m->image.elf) < 0) {
		close_dwarf(&d);
		if (open_separate(&d, m, source) < 0) {
			close_dwarf(&d);
			return NULL;
		}
	}
	m->debug = malloc(sizeof(d));
	if (m->debug)
		*m->debug = d;
	else
		close_dwarf(&d);
	return m->debug;
}

Elf *debug_elf(const struct debug *d)
{
	return d->elf;
}

static const struct unit_range *find_unit(const struct debug *d, uint64_t address)
{
	size_t low = 0, high = d->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (d->ranges[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = 0; i < OVERLAPS_MAX && i < low; i++)
		if (address < d->ranges[low - 1 - i].end)
			return &d->ranges[low - 1 - i];
	return NULL;
}

/* Where the machine code of the address itself comes from, by the line table. */
static void place_line(Dwarf_Die *unit, uint64_t address, struct place *p)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, address);
	int number;

	if (!line)
		return;
	p->file = dwarf_linesrc(line, NULL, NULL);
	p->line = dwarf_lineno(line, &number) == 0 && number > 0 ? (uint32_t)number : 0;
}

/* Where an inlined function was called. */
static void place_call(Dwarf_Die *unit, Dwarf_Die *inlined, struct place *p)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t n;

	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) == 0 &&
	    line <= INT32_MAX)
		p->line = (uint32_t)line;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) == 0 &&
	    dwarf_getsrcfiles(unit, &files, &n) == 0 && file < n)
		p->file = dwarf_filesrc(files, file, NULL, NULL);
}

size_t debug_places(struct debug *d, uint64_t address, struct place *ret, size_t max)
{
	const struct unit_range *range = find_unit(d, address);
	struct scopes scopes;
	Dwarf_Die unit;
	size_t n = 0;

	if (!range || max == 0 || !dwarf_offdie(d->dwarf, range->unit, &unit))
		return 0;
	scopes_find(&unit, address, &scopes);
	ret[0] = (struct place){ 0 };
	place_line(&unit, address, &ret[0]);
	for (size_t i = scopes.n; i > 0 && n < max; i--) {
		Dwarf_Die *scope = &scopes.dies[i - 1];

		ret[n++].function = scope_name(scope);
		if (i > 1 && n < max) {
			ret[n] = (struct place){ 0 };
			place_call(&unit, scope, &ret[n]);
		}
	}
	return n > 0 ? n : ret[0].file != NULL;
}
