// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>

#include "agent/model/goruntime.h"

void gogroup_begin(struct gogroup *g)
{
	*g = (struct gogroup){ .any = g->any, .cycles = g->cycles };
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
	if (p->cycles > p->counted)
		g->cycles += p->cycles - p->counted;
	p->counted = p->cycles;
}

void gogroup_join(struct gogroup *sum, const struct gogroup *g)
{
	sum->any |= g->any;
	sum->programs += g->programs;
	sum->unlimited += g->unlimited;
	sum->heap_live += g->heap_live;
	sum->memory_limit += g->memory_limit;
	sum->gc_share = fmax(sum->gc_share, g->gc_share);
}
