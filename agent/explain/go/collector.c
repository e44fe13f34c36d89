// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>

#include "agent/base/clock.h"
#include "agent/explain/go/collector.h"
#include "agent/explain/resident.h"
#include "agent/runtime/go/work.h"

#define OUTSIDE_LEAST (1024. * 1024)

void gocollector_add(struct gocollector *w, pid_t pid, const struct go_report *report)
{
	struct gocollector_point p = { .at = clock_seconds(CLOCK_MONOTONIC) };
	struct go_work work;

	if (report->status[GO_COLLECTOR] != GO_READ)
		return;
	p.c = report->collector;
	work = go_work_read(pid, &p.c);
	p.gc = work.gc;
	p.cpu = work.cpu;
	p.resident = resident_private(pid);
	if (w->points++ == 0)
		w->first = p;
	if (p.c.memory_limit == w->first.c.memory_limit)
		w->before = p;
	w->last = p;
	w->from_environment = report->limit_from_environment;
}

double gocollector_seconds(const struct gocollector *w)
{
	return w->last.at - w->first.at;
}

double gocollector_cycles(const struct gocollector *w)
{
	return (double)(w->last.c.cycles - w->first.c.cycles);
}

double gocollector_allocated(const struct gocollector *w)
{
	return w->last.c.total_alloc > w->first.c.total_alloc
		       ? (double)(w->last.c.total_alloc - w->first.c.total_alloc)
		       : 0;
}

double gocollector_share(const struct gocollector *w)
{
	double gc = w->last.gc - w->first.gc, cpu = w->last.cpu - w->first.cpu;

	return cpu > 0 && gc >= 0 ? fmin(gc / cpu, 1) : NAN;
}

double gocollector_outside(const struct gocollector_point *p)
{
	double beyond = (double)p->resident - (double)p->c.mapped_ready;

	return p->resident && p->c.mapped_ready && beyond > 0 ? beyond : 0;
}

double gocollector_outside_grown(const struct gocollector *w)
{
	double grown = 0;

	if (w->points > 1)
		grown = gocollector_outside(&w->last) - gocollector_outside(&w->first);
	return grown >= OUTSIDE_LEAST ? grown : 0;
}
