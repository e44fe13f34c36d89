// SPDX-License-Identifier: GPL-2.0-only
/* Which of the objects that were seen being born still live. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/process.h"

#define PROCESSORS_MAX 4096u
#define TIMERS_MAX     (1u << 20)
#define ZOMBIE	       4u /* timerZombie (1.23) */

/* What the last collection said and what was allocated since; 0 where that cannot be read. */
static void read_sizes(struct go_process *p, struct go_fates *ret)
{
	struct go_collector c = { 0 };

	if (go_collector_read(p, &c) < 0)
		return;
	ret->heap_marked = c.heap_marked;
	ret->heap_live = c.heap_live;
	ret->total_alloc = c.total_alloc;
}

static int ask_marks(struct go_process *p, const struct go_fates_request *q, struct go_fates *ret)
{
	struct go_span_cursor cursor = { 0 };
	int r = go_process_heap(p);

	if (r == 0)
		r = go_heap_generation(&p->heap, &p->memory, &ret->generation);
	for (uint32_t i = 0; i < q->n && r == 0; i++)
		ret->answers[i] = go_heap_fate(&p->heap, &p->memory, &q->objects[i],
					       ret->generation, &cursor);
	return r;
}

/* Addresses of the timers in all heaps, sorted once all are there. */
struct timer_list {
	uint64_t *rows;
	size_t n;
};

static void timer_list_clear(struct timer_list *l)
{
	free(l->rows);
}

static int compare_addresses(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static int read_large(struct go_memory *m, uint64_t address, void *dst, size_t size)
{
	int r = 0;

	for (size_t at = 0; at < size && r == 0; at += GO_READ_BYTES) {
		size_t part = size - at < GO_READ_BYTES ? size - at : GO_READ_BYTES;

		r = go_memory_read(m, address + at, (uint8_t *)dst + at, part);
	}
	return r;
}

/* Elements are pointers, or pairs that begin with one (layout.h). */
static int add_heap(struct go_process *p, uint64_t slice, struct timer_list *l)
{
	size_t words = p->layout.timer_pairs ? 2 : 1;
	_cleanup_free_ uint64_t *elements = NULL;
	uint64_t header[2]; /* address and length */
	uint64_t *rows;
	int r = go_memory_read(&p->memory, slice, header, sizeof(header));

	if (r < 0 || header[1] == 0)
		return r;
	if (header[1] > TIMERS_MAX || l->n + header[1] > TIMERS_MAX)
		return -E2BIG;
	elements = calloc(header[1], words * sizeof(*elements));
	rows = reallocarray(l->rows, l->n + header[1], sizeof(*rows));
	if (rows)
		l->rows = rows;
	if (!rows || !elements)
		return -ENOMEM;
	r = read_large(&p->memory, header[0], elements, header[1] * words * sizeof(*elements));
	for (size_t i = 0; i < header[1] && r == 0; i++)
		l->rows[l->n++] = elements[i * words];
	return r;
}

static int list_timers(struct go_process *p, struct timer_list *l)
{
	uint64_t processors[2], at;
	int r = -ENODATA;

	if (p->variables.allp)
		r = go_memory_read(&p->memory, p->variables.allp, processors, sizeof(processors));
	if (r == 0 && processors[1] > PROCESSORS_MAX)
		r = -EPROTO;
	for (uint64_t i = 0; r == 0 && i < processors[1]; i++) {
		r = go_memory_word(&p->memory, processors[0] + 8 * i, &at);
		if (r == 0 && at)
			r = add_heap(p, at + p->layout.p_timers + (p->layout.timer_pairs ? 8 : 0),
				     l);
	}
	if (r == 0 && l->n)
		qsort(l->rows, l->n, sizeof(*l->rows), compare_addresses);
	return r;
}

/* A stopped timer stays in its heap until it is cleaned. */
static bool is_stopped(struct go_process *p, uint64_t timer)
{
	uint32_t state = 0;
	size_t size = p->layout.timer_pairs ? 1 : sizeof(state);

	if (go_memory_read(&p->memory, timer + p->layout.timer_state, &state, size) < 0)
		return true;
	if (p->layout.timer_pairs)
		return state & ZOMBIE;
	return state >= 3 && state <= 5; /* timerDeleted, timerRemoving, timerRemoved */
}

static int ask_timers(struct go_process *p, const struct go_fates_request *q, struct go_fates *ret)
{
	_cleanup_(timer_list_clear) struct timer_list list = { 0 };
	uint64_t goroutines[2] = { 0 }; /* allgs: address and length */
	int r = list_timers(p, &list);

	if (r == 0 && p->variables.allgs)
		r = go_memory_read(&p->memory, p->variables.allgs, goroutines, sizeof(goroutines));
	ret->timers = list.n;
	ret->goroutines = goroutines[1];
	for (uint32_t i = 0; i < q->n && r == 0; i++) {
		uint64_t address = q->objects[i].address;
		bool found = list.n && bsearch(&address, list.rows, list.n, sizeof(address),
					       compare_addresses);

		ret->answers[i].fate =
			found && !is_stopped(p, address) ? GO_FATE_ALIVE : GO_FATE_DEAD;
	}
	return r;
}

static int (*const asks[GO_ORACLE_MAX])(struct go_process *, const struct go_fates_request *,
					struct go_fates *) = {
	[GO_ORACLE_MARKS] = ask_marks,
	[GO_ORACLE_TIMERS] = ask_timers,
	[GO_ORACLE_READERS] = go_readers_ask,
};

int go_fates_answer(struct go_process *p, const void *request, size_t size, void *answer,
		    size_t *ret_size)
{
	const struct go_fates_request *q = request;
	struct go_fates *fates = answer;
	size_t head = offsetof(struct go_fates_request, objects);
	int r;

	if (size < head || q->n > GO_OBJECTS_MAX || size != head + q->n * sizeof(q->objects[0]) ||
	    q->oracle >= GO_ORACLE_MAX || *ret_size < sizeof(*fates))
		return -EINVAL;
	memset(fates, 0, sizeof(*fates));
	fates->n = q->n;
	read_sizes(p, fates);
	r = asks[q->oracle](p, q, fates);
	*ret_size = offsetof(struct go_fates, answers) + q->n * sizeof(fates->answers[0]);
	return r;
}
