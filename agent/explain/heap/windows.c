// SPDX-License-Identifier: GPL-2.0-only
/* What a window of the heap measures beside its cost: the work that was done in it, the balance. */
#include <errno.h>
#include <math.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/explain/heap/source.h"

#define ESTIMATE 0.010 /* seconds */

static double now(void)
{
	return clock_seconds(CLOCK_MONOTONIC);
}

static void sleep_seconds(double seconds)
{
	struct timespec t = { .tv_nsec = (long)(seconds * 1e9) };

	nanosleep(&t, NULL);
}

double heap_source_cpu(const struct heap_source *s)
{
	struct timespec t;

	if (clock_gettime(s->cpu_clock, &t) < 0)
		return s->cpu_began; /* it has ended */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double heap_source_cost(struct heap_source *s, struct heap_counts *ret_counts)
{
	if (heap_counts(s->heap, ret_counts) < 0)
		return 0;
	return (double)ret_counts->values[HEAP_HITS] * heap_hit_seconds(s->heap) +
	       (double)ret_counts->values[HEAP_NS] / 1e9;
}

static int window_begin(void *source)
{
	struct heap_source *s = source;
	struct heap_counts counts;
	int r;

	s->opened.cost = heap_source_cost(s, &counts);
	s->opened.given = counts.values[HEAP_GIVEN];
	s->opened.taken = counts.values[HEAP_TAKEN];
	r = heap_attach(s->heap);
	if (r == 0)
		s->opened.cpu = heap_source_cpu(s);
	return r;
}

static pid_t window_obstacle(void *source)
{
	const struct heap_source *s = source;

	return heap_obstacle(s->heap);
}

/* What of the process's CPU time in the window was work of its own, and not traps. */
static void add_work(struct heap_source *s)
{
	struct heap_counts counts;
	double cpu = heap_source_cpu(s) - s->opened.cpu;
	double traps = heap_source_cost(s, &counts) - s->opened.cost;

	s->in_windows += cpu;
	s->worked += fmax(cpu - traps, 0);
}

static void window_end(void *source)
{
	struct heap_source *s = source;
	struct heap_counts counts;
	double net;

	add_work(s);
	heap_detach(s->heap);
	heap_poll(s->heap);
	heap_source_cost(s, &counts);
	net = (double)(counts.values[HEAP_GIVEN] - s->opened.given) -
	      (double)(counts.values[HEAP_TAKEN] - s->opened.taken);
	s->balance += net;
	s->balance_squares += net * net;
}

static int window_poll(void *source)
{
	struct heap_source *s = source;

	return heap_poll(s->heap);
}

static double window_cost(void *source)
{
	struct heap_counts counts;

	return heap_source_cost(source, &counts);
}

const struct window_ops heap_window_ops = {
	.begin = window_begin,
	.obstacle = window_obstacle,
	.end = window_end,
	.poll = window_poll,
	.cost = window_cost,
};

/* How many times slower, by the part of its time that was left for work; 0: not measurable. */
static double slow_down(double cpu, double work)
{
	return cpu > 0 && work > 0 ? cpu / work : 0;
}

static void tell_cost(struct heap_source *s, double length, double cpu, uint64_t given)
{
	double slower = slow_down(cpu, s->worked), rate = (double)given / length;
	double seconds = s->options->duration;

	if (given == 0)
		log_info("heap: no allocation in %.0f ms; exact counting will cost little, for "
			 "%.0f s",
			 length * 1e3, seconds);
	else if (slower == 0 || slower > 50)
		log_info("heap: more than %.0f allocations/s; exact counting will make the program "
			 "run more "
			 "than 50 times slower, for at most %.0f s",
			 rate * 50, seconds);
	else
		log_info("heap: about %.0f allocations/s; exact counting will make the program run "
			 "about "
			 "%.1f times slower, for at most %.0f s",
			 rate * slower, slower, seconds);
}

int heap_estimate(struct heap_source *s)
{
	double began, length, cpu, cpu_began;
	struct heap_counts counts;
	uint64_t given;
	int r;

	r = windows_begin(&s->windows);
	if (r < 0)
		return r;
	given = s->opened.given;
	began = s->windows.began;
	cpu_began = s->opened.cpu;
	sleep_seconds(ESTIMATE);
	length = now() - began;
	cpu = heap_source_cpu(s) - cpu_began;
	windows_end(&s->windows);
	heap_source_cost(s, &counts);
	tell_cost(s, length, cpu, counts.values[HEAP_GIVEN] - given);
	s->windows.n = 0;
	s->worked = s->in_windows = s->balance = s->balance_squares = 0;
	return heap_reset(s->heap);
}
