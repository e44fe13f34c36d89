// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/text.h"
#include "agent/explain/gocollector.h"

/* Times of proc_pid_stat(5), fields 14, 15 and 22; the name before them may hold anything. */
static int read_times(pid_t pid, double *ret_cpu, double *ret_age)
{
	double ticks = (double)sysconf(_SC_CLK_TCK);
	char path[64], line[1024];
	unsigned long long user, system, start;
	const char *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (text_read(path, line, sizeof(line)) < 0)
		return -1;
	end = strrchr(line, ')');
	if (!end || sscanf(end + 1,
			   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d "
			   "%*d %*d %llu",
			   &user, &system, &start) != 3)
		return -1;
	*ret_cpu = (double)(user + system) / ticks;
	*ret_age = clock_seconds(CLOCK_BOOTTIME) - (double)start / ticks;
	return 0;
}

/*
 * The fraction is of the time that all processors had from the start of the program to the end of
 * the last cycle (src/runtime/mgc.go, gcMarkTermination). That the process is some milliseconds
 * older than the program's clock falls out of a difference.
 */
static double collector_seconds(const struct go_collector *c, double at, double age)
{
	double since = at - (double)c->last_cycle / NS_PER_S;

	if (!c->processors || since < 0 || since > age)
		return NAN;
	return c->last_cycle ? c->cpu_fraction * c->processors * (age - since) : 0;
}

void gocollector_add(struct gocollector *w, pid_t pid, const struct go_report *report)
{
	struct gocollector_point p = { .at = clock_seconds(CLOCK_MONOTONIC),
				       .gc = NAN,
				       .cpu = NAN };
	double age;

	if (report->status[GO_COLLECTOR] != GO_READ)
		return;
	p.c = report->collector;
	if (read_times(pid, &p.cpu, &age) == 0)
		p.gc = collector_seconds(&p.c, p.at, age);
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
