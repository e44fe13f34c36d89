// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/pclntab.h"

#define ENTRY_BYTES    8	  /* of the index: offset of the code, offset of the description */
#define VALUE_BYTES    512	  /* of a table of values, looked at together */
#define NAME_LOOKED_AT 128	  /* of a name that is compared; the ones looked for are shorter */
#define VALUES_MAX     (1u << 20) /* bytes of one table; no function is that long */

/* struct _func */
enum {
	FUNC_ENTRY = 0,
	FUNC_NAME = 4,
	FUNC_DEPTH = 16,
	FUNC_FILE = 20,
	FUNC_LINE = 24,
	FUNC_N_VALUES = 28,
	FUNC_UNIT = 32,
	FUNC_START_LINE = 36,
	FUNC_BYTES = 44
};
#define NO_DATA 0xffffffffu

#define PCDATA_INLINE	2
#define FUNCDATA_INLINE 3

/* Within a table of that size; offsets are of a stranger. */
static int read_in(struct go_table *t, const struct go_bytes *in, uint64_t offset, void *dst,
		   size_t size)
{
	if (offset > in->size || size > in->size - offset)
		return -EPROTO;
	return go_memory_fixed(t->memory, in->address + offset, dst, size);
}

static int string_in(struct go_table *t, const struct go_bytes *in, uint64_t offset, char *dst,
		     size_t size)
{
	dst[0] = '\0';
	if (offset >= in->size)
		return -EPROTO;
	return go_memory_string(t->memory, in->address + offset, dst, size);
}

static int read_entry(struct go_table *t, uint64_t i, uint32_t ret[2])
{
	return read_in(t, &t->index, i * ENTRY_BYTES, ret, ENTRY_BYTES);
}

int go_table_function(struct go_table *t, uint64_t i, struct go_function *ret)
{
	uint8_t bytes[FUNC_BYTES];
	uint32_t entry[2], next[2];
	int r = i < t->n_functions ? read_entry(t, i, entry) : -ENOENT;

	if (r == 0)
		r = read_entry(t, i + 1, next);
	if (r == 0)
		r = read_in(t, &t->functions, entry[1], bytes, sizeof(bytes));
	if (r < 0)
		return r;
	*ret = (struct go_function){ .entry = t->text + entry[0],
				     .end = t->text + next[0],
				     .at = entry[1],
				     .name_offset = go_u32(bytes + FUNC_NAME),
				     .depth_values = go_u32(bytes + FUNC_DEPTH),
				     .file_values = go_u32(bytes + FUNC_FILE),
				     .line_values = go_u32(bytes + FUNC_LINE),
				     .n_values = go_u32(bytes + FUNC_N_VALUES),
				     .unit = go_u32(bytes + FUNC_UNIT),
				     .start_line = !t->old_inlining };
	ret->n_data = bytes[FUNC_START_LINE + (ret->start_line ? 4 : 0) + 3];
	return 0;
}

int go_table_find(struct go_table *t, uint64_t pc, struct go_function *ret)
{
	uint64_t low = 0, high = t->n_functions; /* the answer is in [low, high) */
	uint32_t entry[2];

	if (pc < t->text || pc >= t->end)
		return -ENOENT;
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;
		int r = read_entry(t, middle, entry);

		if (r < 0)
			return r;
		if (t->text + entry[0] <= pc)
			low = middle;
		else
			high = middle;
	}
	return go_table_function(t, low, ret);
}

int go_table_name(struct go_table *t, const struct go_function *f, char *dst, size_t size)
{
	return string_in(t, &t->names, f->name_offset, dst, size);
}

int go_table_each(struct go_table *t,
		  int (*take)(void *context, const struct go_function *f, const char *name),
		  void *context)
{
	char name[NAME_LOOKED_AT];
	int r = 0;

	for (uint64_t i = 0; i < t->n_functions && r == 0; i++) {
		struct go_function f;

		r = go_table_function(t, i, &f);
		if (r == 0)
			r = go_table_name(t, &f, name, sizeof(name));
		if (r == 0)
			r = take(context, &f, name);
		if (r == -EPROTO)
			r = 0;
	}
	return r;
}

/* A table of values while it is read: pairs of varints, what the value gains (zig-zag) and for how
 * many bytes of code it holds. */
struct values {
	struct go_table *table;
	uint64_t offset, left; /* of what was not fetched yet */
	uint8_t bytes[VALUE_BYTES];
	size_t at, n;
};

static int next_byte(struct values *v, uint8_t *ret)
{
	int r;

	if (v->at == v->n) {
		size_t n = v->left < VALUE_BYTES ? (size_t)v->left : VALUE_BYTES;

		if (n == 0)
			return -EPROTO;
		r = read_in(v->table, &v->table->values, v->offset, v->bytes, n);
		if (r < 0)
			return r;
		v->offset += n;
		v->left -= n;
		v->at = 0;
		v->n = n;
	}
	*ret = v->bytes[v->at++];
	return 0;
}

static int next_varint(struct values *v, uint32_t *ret)
{
	uint32_t value = 0;

	for (unsigned int shift = 0; shift < 35; shift += 7) {
		uint8_t byte;
		int r = next_byte(v, &byte);

		if (r < 0)
			return r;
		value |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return 0;
		}
	}
	return -EPROTO;
}

int go_table_values(struct go_table *t, const struct go_function *f, uint32_t table,
		    go_take_value take, void *context)
{
	struct values v = { .table = t, .offset = table };
	uint64_t at = f->entry;
	int32_t value = -1;
	int r = 0;

	if (table == 0 || table >= t->values.size)
		return -ENOENT;
	v.left = t->values.size - table;
	v.left = v.left < VALUES_MAX ? v.left : VALUES_MAX;
	for (bool first = true; r == 0; first = false) {
		uint32_t delta, length;

		r = next_varint(&v, &delta);
		if (r == 0 && delta == 0 && !first)
			return 0; /* the end of the table */
		if (r == 0)
			r = next_varint(&v, &length);
		if (r < 0)
			return r;
		value += (int32_t)(delta & 1 ? ~(delta >> 1) : delta >> 1);
		r = take(context, at, at + length, value);
		at += length;
	}
	return r;
}

struct lookup {
	uint64_t pc;
	int32_t value;
};

static int take_value(void *context, uint64_t start, uint64_t end, int32_t value)
{
	struct lookup *l = context;

	l->value = value;
	return l->pc < end ? -ECANCELED : 0;
}

/* The value that the table has for an address of the function. */
static int find_value(struct go_table *t, const struct go_function *f, uint32_t table, uint64_t pc,
		      int32_t *ret)
{
	struct lookup l = { .pc = pc };
	int r = go_table_values(t, f, table, take_value, &l);

	if (r != -ECANCELED)
		return r == 0 ? -ENOENT : r;
	*ret = l.value;
	return 0;
}

/* The end of the fixed part, where the offsets of value tables and of data follow. */
static uint64_t function_tail(const struct go_function *f)
{
	return f->at + (f->start_line ? FUNC_BYTES : FUNC_BYTES - 4);
}

static int inline_index(struct go_table *t, const struct go_function *f, uint64_t pc, int32_t *ret)
{
	uint32_t table;
	int r;

	if (f->n_values <= PCDATA_INLINE)
		return -ENOENT;
	r = read_in(t, &t->functions, function_tail(f) + PCDATA_INLINE * 4, &table, 4);
	return r < 0 ? r : find_value(t, f, table, pc, ret);
}

/* The address of the function's tree of inlined calls. */
static int inline_tree(struct go_table *t, const struct go_function *f, uint64_t *ret)
{
	uint32_t offset;
	int r;

	if (!t->gofunc || f->n_data <= FUNCDATA_INLINE)
		return -ENOENT;
	r = read_in(t, &t->functions,
		    function_tail(f) + 4 * ((uint64_t)f->n_values + FUNCDATA_INLINE), &offset, 4);
	if (r < 0)
		return r;
	if (offset == NO_DATA)
		return -ENOENT;
	*ret = t->gofunc + offset;
	return 0;
}

/* One call of it: struct inlinedCall, which was longer before Go 1.20. */
static int read_call(struct go_table *t, uint64_t tree, int32_t i, uint32_t *ret_name,
		     uint32_t *ret_parent)
{
	size_t size = t->old_inlining ? 20 : 16, name = t->old_inlining ? 12 : 4;
	uint8_t bytes[20];
	int r = i < 0 || i > UINT16_MAX
			? -EPROTO
			: go_memory_fixed(t->memory, tree + (uint64_t)i * size, bytes, size);

	if (r < 0)
		return r;
	*ret_name = go_u32(bytes + name);
	*ret_parent = go_u32(bytes + size - (t->old_inlining ? 4 : 8));
	return 0;
}

static void fill_line(struct go_table *t, const struct go_function *f, uint64_t pc,
		      struct go_source_place *ret)
{
	int32_t file = 0, line = 0;
	uint32_t offset;

	if (find_value(t, f, f->line_values, pc, &line) == 0 && line > 0)
		ret->line = (uint32_t)line;
	if (find_value(t, f, f->file_values, pc, &file) < 0 || file < 0)
		return;
	if (read_in(t, &t->units, 4 * ((uint64_t)f->unit + (uint32_t)file), &offset, 4) == 0)
		string_in(t, &t->files, offset, ret->file, sizeof(ret->file));
}

int go_table_places(struct go_table *t, uint64_t pc, bool call, struct go_source_place *ret,
		    size_t max)
{
	struct go_function f;
	uint64_t tree = 0;
	int r = go_table_find(t, pc - call, &f);
	size_t n = 0;

	if (r < 0)
		return r;
	pc -= call;
	if (inline_tree(t, &f, &tree) < 0)
		tree = 0;
	while (n < max) {
		struct go_source_place *place = &ret[n++];
		uint32_t name = f.name_offset, parent = 0;
		int32_t index = -1;

		if (tree && inline_index(t, &f, pc, &index) == 0 && index >= 0 &&
		    read_call(t, tree, index, &name, &parent) < 0)
			index = -1;
		*place = (struct go_source_place){ 0 };
		fill_line(t, &f, pc, place);
		string_in(t, &t->names, name, place->function, sizeof(place->function));
		if (index < 0 || name == f.name_offset)
			break;
		pc = f.entry + parent;
	}
	return (int)n;
}
