// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where births can be seen. The table of stack depths (pcsp) that every function has for the
 * runtime's own unwinding knows the borders of instructions where it matters: depth 0 is what holds
 * before the prologue has made room, and at a return. So no disassembler is needed.
 */
#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/process.h"

#define RET	       0xc3
#define PUSH_BP	       0x55
#define PROLOGUE_BYTES 32
#define FLAGS_BELOW    0x41 /* carry and zero: what jbe jumps on */

/* A function whose births are looked for, by its whole name or, with a star at its end, by its
 * beginning. */
struct maker {
	const char *name;
	bool at_return; /* the object is the result; else the first argument */
};

/* The small sizes have functions of their own since Go 1.27, which the compiler calls. */
static const struct maker allocators[] = {
	{ "runtime.mallocgc", true },
	{ "runtime.mallocgcTinySC*", true },
	{ "runtime.mallocgcSmallNoScanSC*", true },
	{ "runtime.mallocgcSmallScanNoHeaderSC*", true },
	{ NULL },
};
/* Where the allocator goes when the 64 slots of a span that it looks at are taken. */
static const struct maker slots[] = {
	{ "runtime.(*mcache).nextFree", true },
	{ NULL },
};
/* Its result is the span. */
static const struct maker large[] = {
	{ "runtime.(*mcache).allocLarge", true },
	{ NULL },
};
/* The first until Go 1.22, the second since. */
static const struct maker timers[] = {
	{ "time.startTimer", false },
	{ "runtime.(*timer).modify", false },
	{ NULL },
};
static const struct maker requests[] = {
	{ "net/http.(*persistConn).roundTrip", false },
	{ NULL },
};
/* queryDC(pool, context, the transaction's context, connection, ...) */
static const struct maker queries[] = {
	{ "database/sql.(*DB).queryDC", false },
	{ NULL },
};
/* mapassign(type, map, key): the map is the second argument. */
static const struct maker maps[] = {
	{ "runtime.mapassign*", false },
	{ NULL },
};
/* A coroutine of iter.Pull is a goroutine without a go statement. Of a connection that a handler
 * takes for itself, its server's goroutine ends, and whoever took it goes on for that one. */
static const struct maker goroutines[] = {
	{ "runtime.newproc", false },
	{ "runtime.newcoro", false },
	{ "net/http.(*conn).hijackLocked", false },
	{ NULL },
};
static const struct maker *const makers[GO_BIRTHS_MAX] = {
	[GO_BIRTHS_HEAP] = allocators,	 [GO_BIRTHS_SLOTS] = slots,
	[GO_BIRTHS_LARGE] = large,	 [GO_BIRTHS_TIMERS] = timers,
	[GO_BIRTHS_REQUESTS] = requests, [GO_BIRTHS_QUERIES] = queries,
	[GO_BIRTHS_MAPS] = maps,	 [GO_BIRTHS_GOROUTINES] = goroutines,
};

/* Words before the argument that is meant; an interface takes two. */
static const uint32_t arguments[GO_BIRTHS_MAX] = { [GO_BIRTHS_MAPS] = 1, [GO_BIRTHS_QUERIES] = 5 };
/* Those that are objects of the heap, and of what size and generation. */
static const bool measured[GO_BIRTHS_MAX] = { [GO_BIRTHS_HEAP] = true,
					      [GO_BIRTHS_SLOTS] = true,
					      [GO_BIRTHS_LARGE] = true,
					      [GO_BIRTHS_REQUESTS] = true };

struct finder {
	struct go_process *process;
	const struct maker *wanted;
	const struct go_function *function;
	struct go_points *points;
	uint64_t first_end; /* of the code before the prologue's end */
};

static bool is_named(const char *name, const char *pattern)
{
	size_t n = strlen(pattern) - 1; /* a star within is a pointer's */

	return pattern[n] == '*' ? strncmp(name, pattern, n) == 0 : strcmp(name, pattern) == 0;
}

static const struct maker *find_maker(const struct maker *m, const char *name)
{
	for (; m->name; m++)
		if (is_named(name, m->name))
			return m;
	return NULL;
}

static int add_point(struct finder *f, uint64_t address)
{
	uint64_t offset = go_image_offset(&f->process->image, address);

	if (!offset)
		return -ENODATA;
	if (f->points->n == GO_POINTS_MAX)
		return -E2BIG;
	f->points->offsets[f->points->n++] = offset;
	return 0;
}

static int code_at(struct finder *f, uint64_t address, uint8_t *ret, size_t size)
{
	return go_memory_fixed(&f->process->memory, address, ret, size);
}

static int take_return(void *context, uint64_t start, uint64_t end, int32_t depth)
{
	struct finder *f = context;
	uint8_t opcode;
	int r;

	if (depth != 0 || start == f->function->entry)
		return 0;
	r = code_at(f, start, &opcode, 1);
	return r == 0 && opcode == RET ? add_point(f, start) : r;
}

static int take_first(void *context, uint64_t start, uint64_t end, int32_t depth)
{
	struct finder *f = context;

	f->first_end = end;
	return -ECANCELED; /* the others do not matter */
}

/* Offset of the jump to the function that grows the stack; 0 when there is none. */
static size_t find_jump(const uint8_t *c)
{
	static const uint8_t compare[] = { 0x49, 0x3b, 0x66, 0x10 };
	static const uint8_t compare_large[] = { 0x4d, 0x3b, 0x66, 0x10 };
	size_t at = 0;

	if (memcmp(c, compare, sizeof(compare)) == 0)
		at = 4;
	else if (memcmp(c, "\x4c\x8d\x64\x24", 4) == 0 &&
		 memcmp(c + 5, compare_large, sizeof(compare_large)) == 0)
		at = 9;
	else if (memcmp(c, "\x4c\x8d\xa4\x24", 4) == 0 &&
		 memcmp(c + 8, compare_large, sizeof(compare_large)) == 0)
		at = 12;
	return at && (c[at] == 0x76 || (c[at] == 0x0f && c[at + 1] == 0x86)) ? at : 0;
}

/*
 * The kernel runs a push or a jump itself, at a third of the price of others. At the jump the
 * function may be about to begin again on a larger stack, which the flags tell.
 */
static int add_entry(struct finder *f)
{
	uint8_t code[PROLOGUE_BYTES];
	uint64_t entry = f->function->entry, push = f->first_end - 1;
	int r = code_at(f, entry, code, sizeof(code));

	if (r < 0)
		return r;
	if (push - entry < sizeof(code) && code[push - entry] == PUSH_BP)
		return add_point(f, push);
	f->points->object.flags_unless = FLAGS_BELOW;
	return add_point(f, entry + find_jump(code));
}

static int add_function(struct finder *f, const struct maker *maker)
{
	struct go_table *t = &f->process->module.table;
	uint32_t table = f->function->depth_values;
	int r;

	if (maker->at_return)
		return go_table_values(t, f->function, table, take_return, f);
	r = go_table_values(t, f->function, table, take_first, f);
	return r == -ECANCELED ? add_entry(f) : r;
}

/* A special size that the general function called is seen when the general one returns. */
static void note_range(const struct go_function *function, const char *name, struct go_points *ret)
{
	if (strcmp(name, allocators[0].name) == 0)
		ret->skipped = (struct survivor_range){ function->entry, function->end };
}

static int take_function(void *context, const struct go_function *function, const char *name)
{
	struct finder *f = context;
	const struct maker *maker = find_maker(f->wanted, name);
	int r;

	if (!maker)
		return 0;
	f->function = function;
	r = add_function(f, maker);
	note_range(function, name, f->points);
	return r;
}

static int set_heap(struct go_process *p, struct go_points *ret)
{
	int r = go_process_heap(p);

	if (r < 0)
		return r;
	ret->heap = (struct survivor_heap){
		.arenas = p->heap.arenas,
		.generation = p->heap.variable + p->heap.layout.heap_generation,
		.spans = p->heap.layout.arena_spans,
		.elemsize = p->heap.layout.span_size,
	};
	return 0;
}

int go_points_answer(struct go_process *p, const void *request, size_t size, void *answer,
		     size_t *ret_size)
{
	const struct go_points_request *q = request;
	struct go_points *points = answer;
	struct finder f = { .process = p, .points = points };
	int r;

	if (size != sizeof(*q) || q->births >= GO_BIRTHS_MAX || *ret_size < sizeof(*points))
		return -EINVAL;
	memset(points, 0, sizeof(*points));
	f.wanted = makers[q->births];
	r = go_table_each(&p->module.table, take_function, &f);
	if (r == 0 && points->n == 0)
		r = -ENOENT;
	points->object.argument = arguments[q->births];
	points->object.stamp = go_layout_stamp(&p->layout, q->births);
	if (r == 0 && measured[q->births])
		r = set_heap(p, points);
	if (r == 0 && q->births == GO_BIRTHS_LARGE)
		points->heap.start = GO_SPAN_START;
	*ret_size = sizeof(*points);
	return r;
}
