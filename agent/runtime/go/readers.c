// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections of net/http clients whose response the program has neither read to its end nor
 * closed. The goroutine that reads such a connection stands in a select of its readLoop until
 * somebody does; where a connection idles, it waits for the network. Its stack names it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/process.h"
#include "agent/runtime/go/stack.h"

#define READER	      "net/http.(*persistConn).readLoop"
#define READER_FRAME  2	   /* above gopark and selectgo */
#define STACK_BYTES   4096 /* more than these three take */
#define READERS_LEAST 64

struct range {
	uint64_t low, high;
};

/* Goroutines that stand in a select of that function. */
struct readers {
	struct go_process *process;
	struct go_parked *rows;
	size_t n, capacity;
	struct range reader, other; /* functions whose names were looked at last */
	uint8_t select;		    /* its number among the wait reasons */
};

static void readers_clear(struct readers *r)
{
	free(r->rows);
}

static void add_waiting(void *context, const struct go_parked *g, uint8_t reason)
{
	struct readers *r = context;

	if (reason != r->select)
		return;
	if (r->n == r->capacity) {
		size_t capacity = r->capacity ? 2 * r->capacity : READERS_LEAST;
		struct go_parked *rows = reallocarray(r->rows, capacity, sizeof(*rows));

		if (!rows)
			return; /* the connection passes for one that is read */
		r->rows = rows;
		r->capacity = capacity;
	}
	r->rows[r->n++] = *g;
}

static bool is_in(const struct range *r, uint64_t pc)
{
	return pc >= r->low && pc < r->high;
}

static bool is_reader(struct readers *r, uint64_t pc)
{
	struct go_table *t = &r->process->module.table;
	struct go_function f;
	char name[sizeof(READER) + 1];
	bool found;

	if (is_in(&r->reader, pc) || is_in(&r->other, pc))
		return is_in(&r->reader, pc);
	if (go_table_find(t, pc, &f) < 0 || go_table_name(t, &f, name, sizeof(name)) < 0)
		return false;
	found = strcmp(name, READER) == 0;
	*(found ? &r->reader : &r->other) = (struct range){ f.entry, f.end };
	return found;
}

static int compare_objects(const void *key, const void *object)
{
	const uint64_t *a = key;
	const struct go_object *b = object;

	return (*a > b->address) - (*a < b->address);
}

/* Whatever a stack names is what its function works with. */
static void mark_named(const uint64_t *words, size_t n, const struct go_fates_request *q,
		       struct go_fates *ret)
{
	for (size_t i = 0; i < n; i++) {
		const struct go_object *o = bsearch(&words[i], q->objects, q->n,
						    sizeof(q->objects[0]), compare_objects);

		if (o)
			ret->answers[o - q->objects].fate = GO_FATE_ALIVE;
	}
}

static void look_at(struct readers *r, const struct go_parked *g, const struct go_fates_request *q,
		    struct go_fates *ret)
{
	uint64_t words[STACK_BYTES / sizeof(uint64_t)], pcs[READER_FRAME + 1];
	size_t size = g->high - g->sp < sizeof(words) ? g->high - g->sp : sizeof(words);

	if (go_stack_read(r->process, g, pcs, ARRAY_SIZE(pcs)) < ARRAY_SIZE(pcs) ||
	    !is_reader(r, pcs[READER_FRAME]) ||
	    go_memory_read(&r->process->memory, g->sp, words, size) < 0)
		return;
	mark_named(words, size / sizeof(words[0]), q, ret);
}

static uint8_t find_select(const struct go_process *p)
{
	for (uint8_t i = 0; i < GO_WAIT_REASONS; i++)
		if (strcmp(p->wait_reasons[i], "select") == 0)
			return i;
	return 0;
}

int go_readers_ask(struct go_process *p, const struct go_fates_request *q, struct go_fates *ret)
{
	_cleanup_(readers_clear) struct readers r = { .process = p, .select = find_select(p) };
	int e = r.select ? go_goroutines_waiting(p, 0, add_waiting, &r) : -ENODATA;

	for (uint32_t i = 0; e == 0 && i < q->n; i++)
		ret->answers[i].fate = GO_FATE_DEAD;
	for (size_t i = 0; e == 0 && i < r.n; i++)
		look_at(&r, &r.rows[i], q, ret);
	return e;
}
