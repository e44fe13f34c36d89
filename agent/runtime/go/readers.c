// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections of net/http clients whose response the program has neither read to its end nor
 * closed. The goroutine that reads such a connection stands in a select of its readLoop until
 * somebody does; where a connection idles, it waits for the network. Its stack names it. A response
 * that goes on for long, a stream of events, is not forgotten: a goroutine of the program waits for
 * the network in it. On a connection that idled since the request, another's answer stands.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/process.h"
#include "agent/runtime/go/stack.h"

#define READER	      "net/http.(*persistConn).readLoop"
#define READER_FRAMES 3 /* it stands above gopark and selectgo */
#define BODY	      "net/http.(*persistConn).Read"
#define BODY_FRAMES   16   /* it stands within so many, below encryption and what waits */
#define STACK_BYTES   4096 /* more than those take */
#define OTHERS	      32   /* functions: on such a stack stand the same ones again and again */
#define READERS_LEAST 64

struct range {
	uint64_t low, high;
};

/* A function, and others on the way to it, of which the names were looked at. */
struct named {
	const char *name;
	struct range found, others[OTHERS];
	size_t n; /* written to others, the last ones are there */
};

struct readers {
	struct go_process *process;
	struct go_parked *rows; /* goroutines that wait for that reason */
	size_t n, capacity;
	uint8_t reason;
};

static void readers_clear(struct readers *r)
{
	free(r->rows);
}

static void add_waiting(void *context, const struct go_parked *g, uint8_t reason)
{
	struct readers *r = context;

	if (reason != r->reason)
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

static bool is_known_other(const struct named *function, uint64_t pc)
{
	for (size_t i = 0; i < OTHERS; i++)
		if (is_in(&function->others[i], pc))
			return true;
	return false;
}

static bool is_of(struct readers *r, struct named *function, uint64_t pc)
{
	struct go_table *t = &r->process->module.table;
	struct go_function f;
	char name[GO_NAME_MAX];
	bool found;

	if (is_in(&function->found, pc) || is_known_other(function, pc))
		return is_in(&function->found, pc);
	if (go_table_find(t, pc, &f) < 0 || go_table_name(t, &f, name, sizeof(name)) < 0)
		return false;
	found = strcmp(name, function->name) == 0;
	*(found ? &function->found : &function->others[function->n++ % OTHERS]) =
		(struct range){ f.entry, f.end };
	return found;
}

static int compare_objects(const void *key, const void *object)
{
	const uint64_t *a = key;
	const struct go_object *b = object;

	return (*a > b->address) - (*a < b->address);
}

/* Whatever a stack names is what its function works with. */
static void mark_named(struct readers *r, const struct go_parked *g, enum go_fate fate,
		       const struct go_fates_request *q, struct go_fates *ret)
{
	uint64_t words[STACK_BYTES / sizeof(uint64_t)];
	size_t size = g->high - g->sp < sizeof(words) ? g->high - g->sp : sizeof(words);

	if (go_memory_read(&r->process->memory, g->sp, words, size) < 0)
		return;
	for (size_t i = 0; i < size / sizeof(words[0]); i++) {
		const struct go_object *o = bsearch(&words[i], q->objects, q->n,
						    sizeof(q->objects[0]), compare_objects);

		if (o)
			ret->answers[o - q->objects].fate = fate;
	}
}

/* Among its innermost frames, at most so many. */
static bool stands_in(struct readers *r, const struct go_parked *g, struct named *function,
		      size_t most)
{
	uint64_t pcs[BODY_FRAMES];
	size_t n = go_stack_read(r->process, g, pcs, most);

	for (size_t i = 0; i < n; i++)
		if (is_of(r, function, pcs[i]))
			return true;
	return false;
}

static uint8_t find_reason(const struct go_process *p, const char *words)
{
	for (uint8_t i = 0; i < GO_WAIT_REASONS; i++)
		if (strcmp(p->wait_reasons[i], words) == 0)
			return i;
	return 0;
}

/* The connections that those goroutines work with have this fate, who wait for that reason and
 * stand in the function. */
static int mark(struct go_process *p, const char *reason, const char *function, size_t most,
		enum go_fate fate, const struct go_fates_request *q, struct go_fates *ret)
{
	_cleanup_(readers_clear) struct readers r = { .process = p,
						      .reason = find_reason(p, reason) };
	struct named named = { .name = function };
	int e = r.reason ? go_goroutines_waiting(p, 0, add_waiting, &r) : -ENODATA;

	for (size_t i = 0; e == 0 && i < r.n; i++)
		if (stands_in(&r, &r.rows[i], &named, most))
			mark_named(&r, &r.rows[i], fate, q, ret);
	return e;
}

static bool is_any_alive(const struct go_fates *f, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (f->answers[i].fate == GO_FATE_ALIVE)
			return true;
	return false;
}

static void end_earlier(struct go_process *p, const struct go_fates_request *q,
			struct go_fates *ret)
{
	uint32_t stamp = go_layout_stamp(&p->layout, GO_BIRTHS_REQUESTS), now;

	for (uint32_t i = 0; stamp && i < q->n; i++) {
		const struct go_object *o = &q->objects[i];

		if (ret->answers[i].fate == GO_FATE_ALIVE &&
		    (go_memory_read(&p->memory, o->address + stamp, &now, sizeof(now)) < 0 ||
		     now != o->generation))
			ret->answers[i].fate = GO_FATE_DEAD;
	}
}

int go_readers_ask(struct go_process *p, const struct go_fates_request *q, struct go_fates *ret)
{
	int r;

	for (uint32_t i = 0; i < q->n; i++)
		ret->answers[i] = (struct go_answer){ .fate = GO_FATE_DEAD,
						      .generation = q->objects[i].generation };
	r = mark(p, "select", READER, READER_FRAMES, GO_FATE_ALIVE, q, ret);
	if (r == 0 && is_any_alive(ret, q->n))
		r = mark(p, "IO wait", BODY, BODY_FRAMES, GO_FATE_DEAD, q, ret);
	if (r == 0)
		end_earlier(p, q, ret);
	return r;
}
