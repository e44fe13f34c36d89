// SPDX-License-Identifier: GPL-2.0-only
/* The garbage collector's own numbers: what it found alive, its goal, its limit, its cost. */
#include <errno.h>
#include <string.h>

#include "agent/runtime/go/process.h"

#define CONTROLLER_BYTES 512
#define HEAP_PLAUSIBLE	 (1ull << 47)
#define PERCENT_MAX	 1000000
#define PROCESSORS_MAX	 4096

enum { CONTROLLER_PERCENT = 0, CONTROLLER_LIMIT = 8 };

static int read_controller(struct go_process *p, struct go_collector *c)
{
	const struct go_layout *l = &p->layout;
	uint8_t bytes[CONTROLLER_BYTES];
	int r = go_memory_read(&p->memory, p->variables.controller, bytes, sizeof(bytes));

	if (r < 0)
		return r;
	c->percent = (int32_t)go_u32(bytes + CONTROLLER_PERCENT);
	c->memory_limit = go_u64(bytes + CONTROLLER_LIMIT);
	c->heap_live = go_u64(bytes + l->gc_live);
	c->heap_marked = go_u64(bytes + l->gc_marked);
	c->total_alloc = go_u64(bytes + l->gc_total_alloc);
	c->total_free = go_u64(bytes + l->gc_total_free);
	c->mapped_ready = go_u64(bytes + l->gc_mapped_ready);
	return 0;
}

static int read_stats(struct go_process *p, struct go_collector *c)
{
	const struct go_layout *l = &p->layout;
	uint8_t bytes[24]; /* numgc, numforcedgc, gc_cpu_fraction, last_gc_nanotime */
	uint64_t stats = p->variables.memstats;
	int r = go_memory_read(&p->memory, stats + l->stats_cycles, bytes, sizeof(bytes));

	if (r < 0)
		return r;
	c->cycles = go_u32(bytes);
	memcpy(&c->cpu_fraction, bytes + 8, sizeof(c->cpu_fraction));
	c->last_cycle = go_u64(bytes + 16);
	return 0;
}

static uint32_t processors(struct go_process *p)
{
	uint64_t n;

	if (!p->variables.allp ||
	    go_memory_word(&p->memory, p->variables.allp + sizeof(uint64_t), &n) < 0)
		return 0;
	return n <= PROCESSORS_MAX ? (uint32_t)n : 0;
}

/* What contradicts itself is not where it is in the versions that are known. */
static bool plausible(const struct go_collector *c)
{
	return c->percent >= -1 && c->percent <= PERCENT_MAX && c->memory_limit > 0 &&
	       c->memory_limit <= INT64_MAX && c->heap_marked < HEAP_PLAUSIBLE &&
	       c->heap_live < HEAP_PLAUSIBLE && c->mapped_ready < HEAP_PLAUSIBLE &&
	       c->mapped_ready > 0 && c->total_free <= c->total_alloc && c->cpu_fraction >= 0 &&
	       c->cpu_fraction <= 1;
}

int go_collector_read(struct go_process *p, struct go_collector *ret)
{
	struct go_collector c = { 0 };
	int r;

	if (!p->variables.controller || !p->variables.memstats)
		return -ENODATA;
	r = read_controller(p, &c);
	if (r == 0)
		r = read_stats(p, &c);
	if (r < 0)
		return r;
	if (!plausible(&c))
		return -EPROTO;
	if (!c.cycles) /* the runtime has an assumption there (gcControllerState.init) */
		c.heap_marked = 0;
	*ret = c;
	return 0;
}

enum go_status go_collector_scan(struct go_builder *b)
{
	struct go_process *p = b->process;
	struct go_collector c;
	int r = go_collector_read(p, &c);

	if (r == -ENODATA)
		return GO_NO_VARIABLE;
	if (r == -EPROTO)
		return GO_NO_LAYOUT;
	if (r < 0)
		return go_status_of(r);
	c.processors = processors(p);
	b->report->collector = c;
	return GO_READ;
}
