// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>

#include "agent/model/goruntime.h"

void gogroup_begin(struct gogroup *g)
{
	*g = (struct gogroup){ .any = g->any, .total = g->total };
}

static void add_count(uint64_t *sum, uint64_t now, uint64_t *counted)
{
	if (now > *counted)
		*sum += now - *counted;
	*counted = now;
}

/* What is not known now is counted when it is known again, and what falls by a hair, since it was
 * worked out, when it has risen above that. */
static void add_seconds(double *sum, double now, double *counted)
{
	if (!(now > *counted))
		return;
	*sum += now - *counted;
	*counted = now;
}

static void add_totals(struct gototals *sum, const struct gototals *now, struct gototals *counted)
{
	add_count(&sum->cycles, now->cycles, &counted->cycles);
	add_count(&sum->allocated, now->allocated, &counted->allocated);
	add_seconds(&sum->gc_seconds, now->gc_seconds, &counted->gc_seconds);
	add_seconds(&sum->cpu_seconds, now->cpu_seconds, &counted->cpu_seconds);
}

void gogroup_add(struct gogroup *g, struct goruntime *p)
{
	if (!p->read)
		return;
	g->any = true;
	g->programs++;
	g->unlimited += !p->memory_limit;
	g->heap_live += p->heap_live;
	g->memory_limit += p->memory_limit;
	g->gc_share = fmax(g->gc_share, p->gc_share);
	g->timers += p->timers;
	g->pools += p->pools;
	g->pool_excess += p->pool_excess;
	add_totals(&g->total, &p->total, &p->counted);
	g->goroutine_variance += p->goroutines_error * p->goroutines_error;
}

void gogroup_join(struct gogroup *sum, const struct gogroup *g)
{
	sum->any |= g->any;
	sum->programs += g->programs;
	sum->unlimited += g->unlimited;
	sum->heap_live += g->heap_live;
	sum->memory_limit += g->memory_limit;
	sum->gc_share = fmax(sum->gc_share, g->gc_share);
	sum->timers += g->timers;
	sum->pools += g->pools;
	sum->pool_excess += g->pool_excess;
	sum->goroutine_variance += g->goroutine_variance;
}
