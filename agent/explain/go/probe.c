// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>

#include "agent/base/cleanup.h"
#include "agent/base/clock.h"
#include "agent/explain/go/probe.h"

int goprobe_new(struct reader *reader, pid_t pid, enum go_births births, uint64_t count_min,
		struct uprobe_host *host, struct survivor **ret)
{
	struct survivor_options o = { .reader = reader, .pid = pid };
	_cleanup_close_ int fd = -1;
	struct go_points points;
	int r = go_points_ask(reader, pid, births, &points, &fd);

	if (r == 0)
		r = uprobe_calibrate(host);
	if (r < 0)
		return r;
	o.host = *host;
	o.object = points.object;
	o.object.count_min = count_min;
	o.heap = points.heap;
	o.skipped = points.skipped;
	o.offsets = points.offsets;
	o.n_offsets = points.n;
	o.file_fd = fd;
	return survivor_new(&o, ret);
}

/* The allocator's return is an instruction that the kernel must run out of line. */
static bool is_at_return(enum go_births births)
{
	return births == GO_BIRTHS_HEAP || births == GO_BIRTHS_SLOTS || births == GO_BIRTHS_LARGE;
}

double goprobe_cost(struct survivor *probe, const struct uprobe_host *host, enum go_births births,
		    struct survivor_counts *ret)
{
	double hit = host->entry_seconds + (is_at_return(births) ? host->step_seconds : 0);

	*ret = (struct survivor_counts){ 0 };
	if (!probe || survivor_counts(probe, ret) < 0)
		return 0;
	return (double)ret->values[SURVIVOR_HITS] * hit + (double)ret->values[SURVIVOR_NS] / 1e9;
}

static int window_begin(void *windows)
{
	const struct goprobe_windows *w = windows;

	return survivor_attach(w->probe);
}

static void window_end(void *windows)
{
	struct goprobe_windows *w = windows;

	w->watched += clock_seconds(CLOCK_MONOTONIC) - w->plan.began;
	survivor_detach(w->probe);
}

static pid_t window_obstacle(void *windows)
{
	const struct goprobe_windows *w = windows;

	return survivor_obstacle(w->probe);
}

static double window_cost(void *windows)
{
	const struct goprobe_windows *w = windows;
	struct survivor_counts counts;

	return goprobe_cost(w->probe, w->host, w->births, &counts);
}

static const struct window_ops window_ops = {
	.begin = window_begin,
	.obstacle = window_obstacle,
	.end = window_end,
	.cost = window_cost,
};

void goprobe_windows_start(struct goprobe_windows *w, double duration, double share)
{
	w->plan = (struct windows){
		.ops = &window_ops, .context = w, .duration = duration, .share = share
	};
}

static int take_births(struct goprobe_windows *w, goprobe_take take, void *context)
{
	int r;

	if (w->plan.open || w->taken == w->plan.n)
		return 0;
	w->taken = w->plan.n;
	r = survivor_take(w->probe, take, context);
	return r < 0 && r != -ENOSPC ? r : 1;
}

int goprobe_windows_poll(struct goprobe_windows *w, goprobe_take take, void *context)
{
	int r = windows_poll(&w->plan);

	return r < 0 ? r : take_births(w, take, context);
}

int goprobe_windows_end(struct goprobe_windows *w, goprobe_take take, void *context)
{
	windows_end(&w->plan);
	return take_births(w, take, context);
}
