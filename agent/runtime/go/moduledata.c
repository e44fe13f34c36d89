// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/moduledata.h"

#define SEARCH_BYTES  (256ull << 20) /* of one kind of segment, at most */
#define CHUNK	      (4 * GO_READ_BYTES)
#define FUNCTIONS_MAX (16u << 20)
#define PART_MAX      (1ull << 31)

/* struct moduledata, whose begin is the same since Go 1.18. */
enum {
	MODULE_HEADER = 0,
	MODULE_NAMES = 8,
	MODULE_UNITS = 32,
	MODULE_FILES = 56,
	MODULE_VALUES = 80,
	MODULE_FUNCTIONS = 104,
	MODULE_INDEX = 128,
	MODULE_TEXT = 176,
	MODULE_DATA = 192, /* four times begin and end */
	MODULE_BYTES = 352,
};

/* Looks at one chunk; a positive return ends the search, with *ret found. */
typedef int (*look)(void *context, uint64_t address, const uint8_t *bytes, size_t size,
		    uint64_t *ret);

static int search(struct go_memory *m, const struct go_segment *s, look at, void *context,
		  uint64_t *ret)
{
	_cleanup_free_ uint8_t *bytes = malloc(CHUNK);
	uint64_t size = s->size < SEARCH_BYTES ? s->size : SEARCH_BYTES;

	if (!bytes)
		return -ENOMEM;
	for (uint64_t done = 0; done < size; done += CHUNK) {
		size_t n = size - done < CHUNK ? size - done : CHUNK;
		int r = go_memory_read(m, s->address + done, bytes, n);

		if (r == 0)
			r = at(context, s->address + done, bytes, n, ret);
		if (r == -EFAULT)
			return 0; /* what follows is not mapped either */
		if (r != 0 && r != -ENXIO)
			return r;
	}
	return 0;
}

static bool is_header(const uint8_t *bytes)
{
	uint32_t magic = go_u32(bytes);

	return (magic == GO_TABLE_118 || magic == GO_TABLE_120) && bytes[4] == 0 && bytes[5] == 0 &&
	       bytes[6] == 1 && bytes[7] == 8;
}

static int look_for_table(void *context, uint64_t address, const uint8_t *bytes, size_t size,
			  uint64_t *ret)
{
	for (size_t i = 0; i + GO_TABLE_HEADER <= size; i += GO_TABLE_ALIGNMENT) {
		if (is_header(bytes + i)) {
			*ret = address + i;
			return 1;
		}
	}
	return 0;
}

/* In its section, else in what is not written; else in what is, where the linker makes it so. */
static int find_table(const struct go_image *image, struct go_memory *m, uint64_t *ret)
{
	uint8_t header[GO_TABLE_HEADER];

	if (image->table && go_memory_read(m, image->table, header, sizeof(header)) == 0 &&
	    is_header(header)) {
		*ret = image->table;
		return 0;
	}
	for (int writable = 0; writable <= 1; writable++) {
		for (size_t i = 0; i < image->n_segments; i++) {
			const struct go_segment *s = &image->segments[i];
			int r = s->executable || s->writable != (writable == 1)
					? 0
					: search(m, s, look_for_table, ret, ret);

			if (r != 0)
				return r < 0 ? r : 0;
		}
	}
	return -ENODATA;
}

/* The record begins with the address of the table, then that of its names. */
static int look_for_module(void *context, uint64_t address, const uint8_t *bytes, size_t size,
			   uint64_t *ret)
{
	uint64_t table = *(const uint64_t *)context;

	for (size_t i = 0; i + 32 <= size; i += 8) {
		uint64_t names = go_u64(bytes + i + 8);

		if (go_u64(bytes + i) == table && names > table && names - table <= 128 &&
		    go_u64(bytes + i + 16) == go_u64(bytes + i + 24)) {
			*ret = address + i;
			return 1;
		}
	}
	return 0;
}

/* Of several that would do the first is the program's own; others are of plugins. */
static int find_module(const struct go_image *image, struct go_memory *m, uint64_t table,
		       uint64_t *ret)
{
	for (int writable = 1; writable >= 0; writable--) {
		for (size_t i = 0; i < image->n_segments; i++) {
			const struct go_segment *s = &image->segments[i];
			int r = s->executable || s->writable != (writable == 1)
					? 0
					: search(m, s, look_for_module, &table, ret);

			if (r != 0)
				return r < 0 ? r : 0;
		}
	}
	return -ENODATA;
}

static struct go_bytes slice(const uint8_t *module, size_t at, uint64_t element)
{
	uint64_t n = go_u64(module + at + 8);

	return (struct go_bytes){ go_u64(module + at), n <= PART_MAX ? n * element : 0 };
}

/* Where the base of function data stands; it moved with what was added before it. */
static size_t gofunc_at(uint32_t minor)
{
	if (minor < 20)
		return 304;
	return minor < 27 ? 320 : 344;
}

static void fill_table(struct go_table *t, const uint8_t *module, uint32_t minor)
{
	t->names = slice(module, MODULE_NAMES, 1);
	t->units = slice(module, MODULE_UNITS, 4);
	t->files = slice(module, MODULE_FILES, 1);
	t->values = slice(module, MODULE_VALUES, 1);
	t->functions = slice(module, MODULE_FUNCTIONS, 1);
	t->index = slice(module, MODULE_INDEX, 8);
	t->text = go_u64(module + MODULE_TEXT);
	t->end = go_u64(module + MODULE_TEXT + 8);
	t->gofunc = minor ? go_u64(module + gofunc_at(minor)) : 0;
	t->n_functions = t->index.size / 8 - (t->index.size >= 8);
}

/* The base of function data lies in the program's read-only part; what does not is no base. */
static void check_gofunc(struct go_table *t, const struct go_image *image)
{
	for (size_t i = 0; i < image->n_segments; i++) {
		const struct go_segment *s = &image->segments[i];

		if (!s->executable && t->gofunc >= s->address && t->gofunc - s->address < s->size)
			return;
	}
	t->gofunc = 0;
}

static int check_table(const struct go_table *t)
{
	if (t->text >= t->end || t->n_functions == 0 || t->n_functions > FUNCTIONS_MAX)
		return -ENODATA;
	return t->names.size && t->functions.size && t->values.size ? 0 : -ENODATA;
}

int go_module_find(const struct go_image *image, struct go_memory *memory, struct go_module *ret)
{
	uint8_t module[MODULE_BYTES], magic[4];
	struct go_module m = { .table = { .memory = memory } };
	uint64_t table = 0, address = 0;
	int r = find_table(image, memory, &table);

	if (r == 0)
		r = find_module(image, memory, table, &address);
	if (r == -ENODATA && memory->unread.absent + memory->unread.swapped)
		r = -ENXIO; /* it may be where nothing was read */
	if (r == 0)
		r = go_memory_read(memory, address, module, sizeof(module));
	if (r == 0)
		r = go_memory_read(memory, table, magic, sizeof(magic));
	if (r < 0)
		return r;
	fill_table(&m.table, module, image->minor);
	m.table.old_inlining = go_u32(magic) == GO_TABLE_118;
	check_gofunc(&m.table, image);
	for (size_t i = 0; i < GO_DATA_RANGES; i++) {
		uint64_t begin = go_u64(module + MODULE_DATA + 16 * i);
		uint64_t end = go_u64(module + MODULE_DATA + 16 * i + 8);

		if (begin < end)
			m.data[i] = (struct go_bytes){ begin, end - begin };
	}
	*ret = m;
	return check_table(&ret->table);
}

bool go_module_is_data(const struct go_module *m, uint64_t address, uint64_t size)
{
	for (size_t i = 0; i < GO_DATA_RANGES; i++)
		if (address >= m->data[i].address &&
		    address - m->data[i].address < m->data[i].size &&
		    size <= m->data[i].size - (address - m->data[i].address))
			return true;
	return false;
}

bool go_module_is_code(const struct go_module *m, uint64_t address)
{
	return address >= m->table.text && address < m->table.end;
}
