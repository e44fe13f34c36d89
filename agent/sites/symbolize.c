// SPDX-License-Identifier: GPL-2.0-only
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/sites/debug.h"
#include "agent/sites/probe_point.h"
#include "agent/sites/symbolize.h"
#include "agent/sites/symbols.h"

#define INLINED_MAX 16 /* frames of one address */

static char *(*demangle)(const char *name, char *buffer, size_t *size, int *status);

void symbolize_prepare(void)
{
	void *library = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL);

	if (library)
		*(void **)&demangle = dlsym(library, "__cxa_demangle");
}

/* A newly allocated readable name, or NULL when the name is that already. */
static char *demangled(const char *name)
{
	int status;

	if (!name || !demangle || strncmp(name, "_Z", 2) != 0 ||
	    strnlen(name, WIRE_NAME_MAX) == WIRE_NAME_MAX)
		return NULL;
	return demangle(name, NULL, NULL, &status);
}

static int write_named(struct frame_writer *w, struct raw_frame *frame)
{
	_cleanup_free_ char *readable = demangled(frame->function);

	if (readable)
		frame->function = readable;
	return frame_write(w, frame);
}

struct naming {
	struct spaces *spaces;
	struct space *space;
	const struct source *source;
	bool dwarf;
	struct frame_writer *writer;
};

static int write_places(const struct naming *n, struct module *m, uint64_t address,
			struct raw_frame *frame)
{
	struct debug *debug = n->dwarf ? debug_get(m, n->source) : NULL;
	struct symbols *symbols;
	struct place places[INLINED_MAX] = { 0 };
	size_t count = debug ? debug_places(debug, address, places, INLINED_MAX) : 0;
	int r = 0;

	count = count ? count : 1;
	if (!places[count - 1].function) {
		symbols = symbols_get(m, debug ? debug_elf(debug) : NULL);
		places[count - 1].function = symbols ? symbols_name(symbols, address) : NULL;
	}
	for (size_t i = 0; r == 0 && i < count; i++) {
		frame->function = places[i].function;
		frame->file = places[i].file;
		frame->line = places[i].line;
		r = write_named(n->writer, frame);
	}
	return r;
}

static int write_frames(const struct naming *n, uint64_t pc, bool call)
{
	struct raw_frame frame = { .pc = pc };
	struct region *region = space_find(n->space, pc - call);
	struct module *m = region ? region_module(n->spaces, region, n->source) : NULL;
	uint64_t address;

	if (region) {
		frame.module = region->path;
		frame.offset = region_offset(region, pc);
	}
	if (!m || module_address(m, frame.offset - call, &address) < 0)
		return frame_write(n->writer, &frame);
	return write_places(n, m, address, &frame);
}

int symbolize(struct spaces *s, uint64_t process, const struct source *source, bool dwarf,
	      const uint64_t *pcs, size_t n, struct frame_writer *writer)
{
	struct naming naming = { .spaces = s, .source = source, .dwarf = dwarf, .writer = writer };
	bool fresh;
	int r = spaces_get(s, process, source, &naming.space, &fresh);

	for (size_t i = 0; r == 0 && i < n; i++) {
		space_look(s, naming.space, source, pcs[i] - (i > 0), &fresh);
		r = write_frames(&naming, pcs[i], i > 0);
	}
	return r == -EMSGSIZE ? 0 : r;
}

static bool ends_with(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n >= m && strcmp(path + n - m, end) == 0;
}

static int find_function(struct module *m, const char *function, uint64_t *ret_offset)
{
	GElf_Ehdr header;
	uint64_t address;
	int r = 0;

	if (*function)
		r = symbols_find(m, function, &address);
	else if (gelf_getehdr(m->image.elf, &header))
		address = header.e_entry;
	else
		r = -ENOEXEC;
	return r < 0 ? r : module_offset(m, address, ret_offset);
}

/* The module of the executable, with a reference. */
static int get_executable(struct spaces *s, const struct source *source, struct module **ret)
{
	struct wire_ask ask = { .kind = WIRE_EXE };
	_cleanup_close_ int fd = -1;
	int r = source->open(source->context, &ask, &fd);

	return r < 0 ? r : modules_get(&s->modules, fd, ret);
}

/* find_function, and where a probe on it is cheap. */
static int find_place(struct module *m, const char *function, struct wire_place *ret)
{
	int r = find_function(m, function, &ret->offset);

	if (r < 0)
		return r;
	ret->pass = -ENODATA;
	if (ret->offset < m->image.size)
		ret->pass = probe_point((const uint8_t *)m->image.bytes + ret->offset,
					m->image.size - ret->offset);
	return 0;
}

static int find_in_executable(struct spaces *s, const struct source *source, const char *function,
			      struct wire_place *ret)
{
	struct module *m;
	int r = get_executable(s, source, &m);

	if (r < 0)
		return r;
	r = find_place(m, function, ret);
	module_release(&s->modules, m);
	return r;
}

int symbolize_has_section(struct spaces *s, const struct source *source, const char *section)
{
	struct module *m;
	int r = get_executable(s, source, &m);

	if (r < 0)
		return r;
	r = module_has_section(m, section);
	module_release(&s->modules, m);
	return r;
}

int symbolize_find(struct spaces *s, uint64_t process, const struct source *source,
		   const char *module, const char *function, struct wire_place *ret)
{
	struct space *space;
	bool fresh;
	int r;

	*ret = (struct wire_place){ 0 };
	if (module[0] == '\0')
		return find_in_executable(s, source, function, ret);
	r = spaces_get(s, process, source, &space, &fresh);
	if (r == 0 && !fresh)
		space_reload(s, space, source); /* it may have loaded the library since */
	for (size_t i = 0; r == 0 && i < space->n; i++) {
		struct region *region = &space->regions[i];
		struct module *m =
			ends_with(region->path, module) ? region_module(s, region, source) : NULL;

		if (!m || find_place(m, function, ret) < 0)
			continue;
		ret->start = region->start;
		ret->end = region->end;
		return 0;
	}
	return r < 0 ? r : -ENOENT;
}
