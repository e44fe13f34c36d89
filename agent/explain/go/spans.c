// SPDX-License-Identifier: GPL-2.0-only
/* The windows on allocations that need more than the next free slot of a span. */
#include <errno.h>
#include <math.h>

#include "agent/base/clock.h"
#include "agent/base/cleanup.h"
#include "agent/explain/go/births.h"

#define SHARE                                                                                      \
	0.005 /* of a CPU: a trap for each span that fills is rare enough for long windows         \
	       */

static int window_begin(void *source)
{
	struct gobirths *s = source;

	return survivor_attach(s->probes[GO_BIRTHS_SPANS]);
}

static void window_end(void *source)
{
	struct gobirths *s = source;

	survivor_detach(s->probes[GO_BIRTHS_SPANS]);
}

static pid_t window_obstacle(void *source)
{
	const struct gobirths *s = source;

	return survivor_obstacle(s->probes[GO_BIRTHS_SPANS]);
}

static double window_cost(void *source)
{
	struct survivor_counts counts;

	return gobirths_cost(source, GO_BIRTHS_SPANS, &counts);
}

static const struct window_ops window_ops = {
	.begin = window_begin,
	.obstacle = window_obstacle,
	.end = window_end,
	.cost = window_cost,
};

int gospans_start(struct gobirths *s)
{
	struct survivor_oracle marks = gobirths_heap_oracle(s);

	if (!s->probes[GO_BIRTHS_SPANS])
		return -ENOENT;
	s->span_windows = (struct windows){ .ops = &window_ops,
					    .context = s,
					    .duration = s->options->duration,
					    .share = fmin(s->options->budget / 8, SHARE) };
	return survivors_new(&marks, &s->spans);
}

static int take_births(struct gobirths *s)
{
	int r;

	if (s->span_windows.open || s->spans_taken == s->span_windows.n)
		return 0;
	s->spans_taken = s->span_windows.n;
	r = survivor_take(s->probes[GO_BIRTHS_SPANS], survivors_add, s->spans);
	return r == -ENOSPC ? 0 : r;
}

int gospans_poll(struct gobirths *s)
{
	int r = s->spans ? windows_poll(&s->span_windows) : 0;

	return s->spans && r == 0 ? take_births(s) : r;
}

void gospans_end(struct gobirths *s)
{
	if (!s->spans)
		return;
	windows_end(&s->span_windows);
	take_births(s);
}
