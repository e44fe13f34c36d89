// SPDX-License-Identifier: GPL-2.0-only
/*
 * The source of what a Go program allocates. Births are seen in windows at the allocator's returns;
 * what became of them the collector's marks say after its next cycle, read from outside. Nothing is
 * written into the program, and no collection is forced: of one that never collects, nothing can be
 * said.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/base/message.h"
#include "agent/explain/cost.h"
#include "agent/explain/goheap_source.h"
#include "agent/model/escape.h"
#include "agent/runtime/go/go.h"

#define OWN_PART   0.4	 /* of the budget: seep's own CPU time, the rest is for the process */
#define CHECK_PART 0.005 /* of a CPU: asking for fates */
#define STEP	   2	 /* of mheap_.sweepgen, from one collection to the next */

static bool goheap_wants(const struct explain_options *options)
{
	return options->resource && strcmp(options->resource, "goheap") == 0;
}

static void source_free(void *source)
{
	struct goheap_source *s = source;

	if (!s)
		return;
	survivor_free(s->probe);
	survivors_free(s->book);
	free(s->request);
	free(s->module);
	free(s);
}

double goheap_cost(struct goheap_source *s, struct survivor_counts *ret_counts)
{
	if (survivor_counts(s->probe, ret_counts) < 0)
		return 0;
	return (double)ret_counts->values[SURVIVOR_HITS] *
		       (s->host.entry_seconds + s->host.step_seconds) +
	       (double)ret_counts->values[SURVIVOR_NS] / 1e9;
}

static int ask(void *context, const struct survivor_query *queries, size_t n,
	       struct survivor_answer *ret)
{
	static const enum survivor_fate words[] = { [GO_FATE_UNKNOWN] = SURVIVOR_UNKNOWN,
						    [GO_FATE_ALIVE] = SURVIVOR_ALIVE,
						    [GO_FATE_DEAD] = SURVIVOR_DEAD };
	struct goheap_source *s = context;
	int r;

	s->request->oracle = GO_ORACLE_MARKS;
	s->request->n = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		s->request->objects[i] = (struct go_object){ .address = queries[i].address,
							     .size = queries[i].size,
							     .generation = queries[i].generation };
	r = go_fates_ask(s->reader, s->options->pid, s->request, &s->last);
	for (size_t i = 0; i < n && r == 0; i++)
		ret[i] = (struct survivor_answer){ .fate = words[s->last.answers[i].fate],
						   .generation = s->last.answers[i].generation };
	return r;
}

static int window_begin(void *source)
{
	struct goheap_source *s = source;

	return survivor_attach(s->probe);
}

static void window_end(void *source)
{
	struct goheap_source *s = source;

	survivor_detach(s->probe);
	s->ended = monotonic_ns();
}

static double window_cost(void *source)
{
	struct survivor_counts counts;

	return goheap_cost(source, &counts);
}

static const struct window_ops window_ops = {
	.begin = window_begin,
	.end = window_end,
	.cost = window_cost,
};

/* Where all is asked for, what the kernel lacks is not said of every process. */
static int no_probes(const struct goheap_source *s, int r)
{
	if (!s->options->resource)
		return -ENOEXEC;
	return log_error(r, "goheap: this kernel has no user probes");
}

static int start_probe(struct goheap_source *s)
{
	struct survivor_options o = { .pid = s->options->pid };
	_cleanup_close_ int fd = -1;
	struct go_points points;
	int r;

	r = go_points_ask(s->reader, s->options->pid, GO_BIRTHS_HEAP, &points, &fd);
	if (r < 0 && !s->options->resource)
		return -ENOEXEC;
	if (r < 0)
		return log_error(0, "goheap: process %d: %s", s->options->pid, go_error_text(r)), r;
	r = uprobe_calibrate(&o.host);
	if (r < 0)
		return no_probes(s, r);
	s->host = o.host;
	o.heap = points.heap;
	o.skipped = points.skipped;
	o.flags_unless = points.flags_unless;
	o.offsets = points.offsets;
	o.n_offsets = points.n;
	o.file_fd = fd;
	r = survivor_new(&o, &s->probe);
	return r < 0 ? log_error(r, "goheap: cannot probe process %d", s->options->pid) : 0;
}

static int start(struct goheap_source *s)
{
	struct survivor_oracle oracle = {
		.ask = ask, .step = STEP, .at_once = GO_OBJECTS_MAX, .context = s
	};
	int r;

	r = start_probe(s);
	if (r < 0)
		return r;
	r = survivors_new(&oracle, &s->book);
	if (r == 0)
		r = ask(s, NULL, 0, NULL);
	s->first = s->last;
	s->began = monotonic_ns();
	return r < 0 ? log_error(r, "goheap: cannot read the heap of process %d", s->options->pid)
		     : 0;
}

static char *program_path(pid_t pid)
{
	char path[64], target[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	return escape_strdup(target);
}

static int source_open(const struct explain_options *options, struct reader *reader, void **ret)
{
	struct goheap_source *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	if (!s)
		return -ENOMEM;
	s->options = options;
	s->reader = reader;
	s->windows = (struct windows){ .ops = &window_ops,
				       .context = s,
				       .duration = options->duration,
				       .share = options->budget * (1 - OWN_PART) };
	s->module = program_path(options->pid);
	s->request = calloc(1, sizeof(*s->request));
	if (s->module && s->request)
		r = start(s);
	if (r < 0) {
		source_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

static double now(void)
{
	return clock_seconds(CLOCK_MONOTONIC);
}

/* Births can be taken while nothing is attached. */
static int take_births(struct goheap_source *s)
{
	int r;

	if (s->windows.open || s->taken == s->windows.n)
		return 0;
	s->taken = s->windows.n;
	r = survivor_take(s->probe, survivors_add, s->book);
	return r == -ENOSPC ? 0 : r;
}

static int check(struct goheap_source *s)
{
	double began = cost_own_seconds();
	int r = survivors_check(s->book);

	s->checked = s->last.generation;
	s->due = now() + (cost_own_seconds() - began) / CHECK_PART;
	return r;
}

/* A collection missed makes answers doubtful, so each is followed by a look, as far as it may cost.
 */
static int check_if_collected(struct goheap_source *s)
{
	int r;

	if (now() < s->due)
		return 0;
	r = ask(s, NULL, 0, NULL);
	return r < 0 || s->last.generation == s->checked ? r : check(s);
}

static int source_poll(void *source)
{
	struct goheap_source *s = source;
	int r = windows_poll(&s->windows);

	if (r == 0)
		r = take_births(s);
	if (r == 0)
		r = check_if_collected(s);
	return r == -ETIMEDOUT || r == -EPIPE ? 0 : r; /* that answer is lost */
}

static void source_cost(void *source, struct source_cost *ret)
{
	struct goheap_source *s = source;
	struct survivor_counts counts;

	*ret = (struct source_cost){ .windows = s->windows.n };
	ret->seconds = goheap_cost(s, &counts);
	ret->hits = counts.values[SURVIVOR_HITS];
	memcpy(ret->lost, counts.lost, sizeof(ret->lost));
}

static void source_detach(void *source)
{
	struct goheap_source *s = source;

	windows_end(&s->windows);
	if (take_births(s) == 0)
		check(s);
}

static int source_findings(void *source, double seconds, struct findings *ret)
{
	return goheap_findings(source, seconds, ret);
}

const struct source source_goheap = {
	.name = "goheap",
	.wants = goheap_wants,
	.open = source_open,
	.poll = source_poll,
	.cost = source_cost,
	.detach = source_detach,
	.findings = source_findings,
	.free = source_free,
};
