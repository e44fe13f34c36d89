// SPDX-License-Identifier: GPL-2.0-only
/*
 * When to look at the heap, and for how long. A window costs what its traps cost, those included
 * that are met while it is taken down; the pause after it pays for that.
 */
#include <errno.h>
#include <math.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/explain/heap_source.h"

#define WINDOWS	      14    /* so many in a watch, at least about */
#define LENGTH_FIRST  0.010 /* seconds */
#define LENGTH_MIN    0.005
#define LENGTH_GROWTH 4.0 /* from one window to the next */
#define PAUSE_MIN     0.1
#define BLOCKING      0.050 /* shorter windows are waited for, longer ones end in a later poll */

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

int heap_window_begin(struct heap_source *s)
{
	struct heap_counts counts;
	int r;

	s->open.cost = heap_source_cost(s, &counts);
	s->open.given = counts.values[HEAP_GIVEN];
	s->open.taken = counts.values[HEAP_TAKEN];
	r = heap_attach(s->heap);
	if (r < 0)
		return r;
	s->attached = true;
	s->windows++;
	s->open.began = now();
	s->open.cpu = heap_source_cpu(s);
	return 0;
}

/* What of the process's CPU time in the window was work of its own, and not traps. */
static void add_work(struct heap_source *s)
{
	struct heap_counts counts;
	double cpu = heap_source_cpu(s) - s->open.cpu;
	double traps = heap_source_cost(s, &counts) - s->open.cost;

	s->in_windows += cpu;
	s->worked += fmax(cpu - traps, 0);
}

void heap_window_end(struct heap_source *s)
{
	struct heap_counts counts;
	double net;

	add_work(s);
	heap_detach(s->heap);
	s->attached = false;
	heap_poll(s->heap);
	heap_source_cost(s, &counts);
	net = (double)(counts.values[HEAP_GIVEN] - s->open.given) -
	      (double)(counts.values[HEAP_TAKEN] - s->open.taken);
	s->balance += net;
	s->balance_squares += net * net;
}

/* Seconds for which the next window stays, so that each gets an equal part of the allowance. */
static double next_length(const struct heap_source *s, double length, double cost)
{
	double allowed = s->share * s->options->duration / WINDOWS;
	double longest = s->options->duration / WINDOWS / 2; /* a pause is as long */
	double factor = cost > 0 ? allowed / cost : LENGTH_GROWTH;

	length *= fmin(factor, LENGTH_GROWTH);
	return fmax(LENGTH_MIN, fmin(length, longest));
}

static void end_and_plan(struct heap_source *s)
{
	double began = s->open.began, length = now() - began, before = s->open.cost, cost;
	struct heap_counts counts;

	heap_window_end(s);
	cost = heap_source_cost(s, &counts) - before;
	s->length = next_length(s, length, cost);
	s->due = fmax(began + cost / s->share, now() + fmax(PAUSE_MIN, length));
	log_debug(0, "heap: a window of %.0f ms cost %.1f ms, the next in %.1f s", length * 1e3,
		  cost * 1e3, s->due - now());
}

static bool is_too_dear(struct heap_source *s)
{
	struct heap_counts counts;
	double cost = heap_source_cost(s, &counts) - s->open.cost;

	return cost > 2 * s->share * s->options->duration / WINDOWS;
}

static int begin_one(struct heap_source *s)
{
	int r = heap_window_begin(s);

	if (r < 0)
		return r;
	s->due = s->open.began + s->length;
	if (s->length > BLOCKING)
		return 0;
	while (now() < s->due && !is_too_dear(s)) {
		sleep_seconds(0.001);
		heap_poll(s->heap);
	}
	end_and_plan(s);
	return 0;
}

int heap_windows_poll(struct heap_source *s)
{
	int r = heap_poll(s->heap);

	if (r < 0)
		return r;
	if (s->length == 0)
		s->length = LENGTH_FIRST;
	if (s->attached && (now() >= s->due || is_too_dear(s)))
		end_and_plan(s);
	else if (!s->attached && now() >= s->due)
		return begin_one(s);
	return 0;
}

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

	r = heap_window_begin(s);
	if (r < 0)
		return r;
	given = s->open.given;
	began = s->open.began;
	cpu_began = s->open.cpu;
	sleep_seconds(LENGTH_FIRST);
	length = now() - began;
	cpu = heap_source_cpu(s) - cpu_began;
	heap_window_end(s);
	heap_source_cost(s, &counts);
	tell_cost(s, length, cpu, counts.values[HEAP_GIVEN] - given);
	s->windows = 0;
	s->worked = s->in_windows = s->balance = s->balance_squares = 0;
	return heap_reset(s->heap);
}
