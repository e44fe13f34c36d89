// SPDX-License-Identifier: GPL-2.0-only
/* Which of the objects that were seen being born still live. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/timers.h"

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

static int compare_addresses(const void *left, const void *right)
{
	const struct go_item *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

static bool is_stopped(struct go_process *p, uint64_t timer)
{
	uint8_t bytes[GO_TIMER_BYTES_MAX];

	return go_memory_read(&p->memory, timer, bytes, p->layout.timer_bytes) < 0 ||
	       go_timer_is_stopped(&p->layout, bytes);
}

static int ask_timers(struct go_process *p, const struct go_fates_request *q, struct go_fates *ret)
{
	_cleanup_free_ struct go_item *timers = NULL;
	uint64_t goroutines[2] = { 0 }; /* allgs: address and length */
	size_t n = 0;
	int r = go_timers_list(p, &timers, &n);

	if (r == -ENOTSUP)
		return 0; /* of none it is known */
	if (r == 0 && p->variables.allgs)
		r = go_memory_read(&p->memory, p->variables.allgs, goroutines, sizeof(goroutines));
	if (n)
		qsort(timers, n, sizeof(*timers), compare_addresses);
	ret->timers = n;
	ret->goroutines = goroutines[1];
	for (uint32_t i = 0; i < q->n && r == 0; i++) {
		struct go_item key = { .address = q->objects[i].address };
		bool found = n && bsearch(&key, timers, n, sizeof(key), compare_addresses);

		ret->answers[i].fate =
			found && !is_stopped(p, key.address) ? GO_FATE_ALIVE : GO_FATE_DEAD;
	}
	return r;
}

static int (*const asks[GO_ORACLE_MAX])(struct go_process *, const struct go_fates_request *,
					struct go_fates *) = {
	[GO_ORACLE_MARKS] = ask_marks,
	[GO_ORACLE_TIMERS] = ask_timers,
	[GO_ORACLE_READERS] = go_readers_ask,
	[GO_ORACLE_USERS] = go_users_ask,
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
