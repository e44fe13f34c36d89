// SPDX-License-Identifier: GPL-2.0-only
#include "agent/base/cleanup.h"
#include "agent/runtime/go/cells.h"
#include "agent/runtime/go/go.h"

static int64_t count_timers(const struct go_report *r)
{
	int64_t n = 0;

	for (uint32_t i = 0; i < r->n_timers; i++)
		if (r->timer_groups[i].kind != GO_TIMER_SLEEP &&
		    r->timer_groups[i].kind != GO_TIMER_DEADLINE)
			n += (int64_t)r->timer_groups[i].count;
	return n;
}

static uint64_t count_channel_timers(const struct go_report *r)
{
	uint64_t n = 0;

	for (uint32_t i = 0; r->status[GO_TIMERS] == GO_READ && i < r->n_timers; i++)
		if (r->timer_groups[i].kind == GO_TIMER_TICKER ||
		    r->timer_groups[i].kind == GO_TIMER_ONCE)
			n += r->timer_groups[i].count;
	return n;
}

static void fill_heap(const struct go_collector *c, struct model_process *p)
{
	p->cells[SLOT_GOHEAP].live = c->heap_marked ? (int64_t)c->heap_marked : LIVE_UNKNOWN;
	if (!c->heap_marked && !p->reason)
		p->reason = "no collection has ended yet, so what lives of its heap is not known";
	if (c->memory_limit < INT64_MAX)
		p->bounds[SLOT_GOHEAP] = (struct bound){ .source = BOUND_GO_MEMORY_LIMIT,
							 .limit = c->memory_limit,
							 .used = c->mapped_ready };
}

/* Where no collection will ever come, all that was allocated is kept. */
static bool is_collected(const struct go_collector *c)
{
	return c->percent >= 0 || c->memory_limit < INT64_MAX;
}

/*
 * Bytes that were allocated since the last collection, and what the runtime keeps about them, which
 * comes and goes with them: two bits for a word (until Go 1.21), two for an object, 160 bytes for a
 * span of 8 KiB (src/runtime/mbitmap.go, mheap.go).
 */
static uint64_t fresh_bytes(const struct go_collector *c)
{
	uint64_t fresh = c->heap_live > c->heap_marked ? c->heap_live - c->heap_marked : 0;

	return is_collected(c) ? fresh + fresh / 16 : 0;
}

static void tell_collector(const struct go_collector *c, const struct go_work *work,
			   struct goruntime *ret)
{
	ret->heap_live = c->heap_live;
	ret->heap_fresh = fresh_bytes(c);
	ret->memory_limit = c->memory_limit < INT64_MAX ? c->memory_limit : 0;
	ret->gc_share = c->cpu_fraction;
	ret->total = (struct gototals){ .cycles = c->cycles,
					.allocated = c->total_alloc,
					.gc_seconds = work->gc,
					.cpu_seconds = work->cpu };
}

/* Only pools without a limit: who set one has decided what the server has to bear. */
static void tell_pools(const struct go_report *r, struct goruntime *ret)
{
	ret->pools = 0;
	ret->pool_excess = 0;
	for (uint32_t i = 0; i < r->n_pools; i++) {
		uint64_t may_idle = go_pool_may_idle(&r->pools[i]);

		if (r->pools[i].max_open)
			continue;
		ret->pools++;
		if (r->pools[i].open > may_idle)
			ret->pool_excess += r->pools[i].open - may_idle;
	}
}

static int64_t count_items(const struct go_report *r)
{
	int64_t n = 0;

	for (uint32_t i = 0; i < r->n_channels; i++)
		n += (int64_t)r->channels[i].items;
	return n;
}

void go_cells_fill(const struct go_report *r, int error, const struct go_work *work, int64_t old,
		   struct model_process *p)
{
	static const enum seep_slot slots[] = { SLOT_GOROUTINE, SLOT_GOTIMER, SLOT_GOHEAP,
						SLOT_CHANNEL };
	static const enum go_feature features[] = { GO_GOROUTINES, GO_TIMERS, GO_COLLECTOR,
						    GO_CHANNELS };

	for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
		if (r && r->status[features[i]] == GO_READ)
			continue;
		p->cells[slots[i]].live = LIVE_UNKNOWN;
		if (!p->reason)
			p->reason = r	    ? go_status_text(r->status[features[i]])
				    : error ? go_error_text(error)
					    : "its turn to be read has not come yet";
	}
	if (r && r->status[GO_GOROUTINES] == GO_READ) {
		p->cells[SLOT_GOROUTINE].live = (int64_t)r->live;
		p->cells[SLOT_GOROUTINE].old = old;
	}
	if (r && r->status[GO_TIMERS] == GO_READ)
		p->cells[SLOT_GOTIMER].live = count_timers(r);
	p->go.goroutines_error =
		r && r->status[GO_GOROUTINES] == GO_READ ? (double)r->count_error : 0;
	p->go.read = r && r->status[GO_COLLECTOR] == GO_READ;
	if (p->go.read) {
		fill_heap(&r->collector, p);
		tell_collector(&r->collector, work, &p->go);
		tell_pools(r, &p->go);
		p->go.timers = count_channel_timers(r);
	}
	if (r && r->status[GO_CHANNELS] == GO_READ)
		p->cells[SLOT_CHANNEL].live = count_items(r);
}
