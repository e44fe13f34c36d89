// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <time.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/explain/windows.h"

#define WINDOWS	      14    /* so many in a watch, at least about */
#define LENGTH_FIRST  0.050 /* seconds; ended before where that is dear */
#define LENGTH_MIN    0.005
#define LENGTH_GROWTH 4.0 /* from one window to the next */
#define PAUSE_MIN     0.1
#define PAUSE_BUSY    1.0   /* when a process was in the way */
#define BLOCKING      0.050 /* shorter windows are waited for, longer ones end in a later poll */

static double now(void)
{
	return clock_seconds(CLOCK_MONOTONIC);
}

static int poll_source(struct windows *w)
{
	return w->ops->poll ? w->ops->poll(w->context) : 0;
}

static void tell_obstacle(struct windows *w)
{
	if (w->refused++ == 0)
		log_warn(0,
			 "process %d keeps the lock of its memory, perhaps waiting for a file "
			 "server; probes would wait for it, and every fork of this host for them: "
			 "none are set while it does",
			 w->ops->obstacle(w->context));
}

int windows_begin(struct windows *w)
{
	int r;

	w->began_cost = w->ops->cost(w->context);
	r = w->ops->begin(w->context);
	if (r == -EBUSY)
		tell_obstacle(w);
	if (r < 0)
		return r;
	w->open = true;
	w->n++;
	w->began = now();
	return 0;
}

void windows_end(struct windows *w)
{
	if (!w->open)
		return;
	w->open = false;
	w->ops->end(w->context);
}

/* What each window may cost, so that all get an equal part. */
static double allowed(const struct windows *w)
{
	return w->share * w->duration / WINDOWS;
}

/* taken: seconds that it took to take the traps out, all of which are met meanwhile. A window that
 * is shorter pays for more than it sees; on a busy host that is nearly all. */
static double next_length(const struct windows *w, double length, double cost, double taken)
{
	double longest = w->duration / WINDOWS / 2; /* a pause is as long */
	double factor = cost > 0 ? allowed(w) / cost : LENGTH_GROWTH;

	length *= fmin(factor, LENGTH_GROWTH);
	return fmin(fmax(fmax(LENGTH_MIN, taken), length), fmax(LENGTH_MIN, longest));
}

static void end_and_plan(struct windows *w)
{
	double length = now() - w->began, cost, taken;

	windows_end(w);
	taken = now() - w->began - length;
	cost = w->ops->cost(w->context) - w->began_cost;
	w->length = next_length(w, length, cost, taken);
	w->due = fmax(w->began + cost / w->share, now() + fmax(PAUSE_MIN, length));
	log_debug(0, "a window of %.0f ms cost %.1f ms, the next in %.1f s", length * 1e3,
		  cost * 1e3, w->due - now());
}

static bool is_too_dear(const struct windows *w)
{
	return w->ops->cost(w->context) - w->began_cost > 2 * allowed(w);
}

static void sleep_millisecond(void)
{
	struct timespec t = { .tv_nsec = 1000000 };

	nanosleep(&t, NULL);
}

static int begin_one(struct windows *w)
{
	int r = windows_begin(w);

	if (r == -EBUSY) {
		w->due = now() + PAUSE_BUSY;
		return 0;
	}
	if (r < 0)
		return r;
	w->due = w->began + w->length;
	if (w->length > BLOCKING)
		return 0;
	while (now() < w->due && !is_too_dear(w)) {
		sleep_millisecond();
		poll_source(w);
	}
	end_and_plan(w);
	return 0;
}

int windows_poll(struct windows *w)
{
	int r = poll_source(w);

	if (r < 0)
		return r;
	if (w->length == 0)
		w->length = LENGTH_FIRST;
	if (w->open && (now() >= w->due || is_too_dear(w)))
		end_and_plan(w);
	else if (!w->open && now() >= w->due)
		return begin_one(w);
	return 0;
}
