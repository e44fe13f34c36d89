// SPDX-License-Identifier: GPL-2.0-only
/*
 * The source of what a Go program makes. Births are seen in windows; what became of them its memory
 * says, read from outside: the marks of the collector's last cycle, the heaps of timers. Nothing is
 * written into the program, and no collection is forced: of one that never collects, nothing can be
 * said.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/base/message.h"
#include "agent/explain/go/births.h"
#include "agent/explain/go/budget.h"
#include "agent/probe/identity.h"
#include "agent/runtime/go/go.h"

#define LOOK_PAUSE 0.1 /* seconds, at least, between looks whether a collection ended */

static bool gobirths_wants(const struct explain_options *options)
{
	for (int births = 0; options->resource && births < GO_BIRTHS_MAX; births++)
		if (gobirths_wanted(options, (enum go_births)births))
			return true;
	return false;
}

static void source_free(void *source)
{
	struct gobirths *s = source;

	if (!s)
		return;
	for (int births = 0; births < GO_BIRTHS_MAX; births++)
		survivor_free(s->probes[births]);
	survivors_free(s->heap);
	survivors_free(s->timers);
	for (size_t i = 0; i < GORARE_MAX; i++)
		survivors_free(s->rare[i].book);
	gomaps_clear(&s->maps);
	goprofile_switch_off(&s->profile_switch);
	goprofile_clear(&s->profile);
	free(s->reading);
	free(s->request);
	free(s->module);
	free(s);
}

/* Of no report nothing is said about the collector. */
static void look_at_collector(struct gobirths *s)
{
	struct go_request request = { .wanted = 1u << GO_COLLECTOR };
	_cleanup_free_ struct go_report *report = NULL;

	if (s->heap && go_scan(s->reader, s->options->pid, &request, GO_TIMEOUT_NS, &report) == 0)
		gocollector_add(&s->collector, s->options->pid, report);
}

static int start_books(struct gobirths *s)
{
	struct survivor_oracle heap = gobirths_heap_oracle(s);
	struct survivor_oracle timers = { .ask = gobirths_ask_timers,
					  .at_once = GO_OBJECTS_MAX,
					  .context = s };
	int r = 0;

	if (s->probes[GO_BIRTHS_HEAP]) {
		r = survivors_new(&heap, &s->heap);
		if (r == 0)
			r = gobirths_ask_heap(s, NULL, 0, NULL);
	}
	if (r == 0 && s->probes[GO_BIRTHS_TIMERS]) {
		r = survivors_new(&timers, &s->timers);
		if (r == 0)
			r = gobirths_ask_timers(s, NULL, 0, NULL);
	}
	if (r == 0)
		r = gorare_start(s);
	s->first = s->last;
	s->timers_first = s->timers_last;
	s->began = monotonic_ns();
	look_at_collector(s);
	return r;
}

/* Where others answer too, what a process has not is no word worth. */
static int start(struct gobirths *s)
{
	int r = gobirths_start_probes(s);

	if (r == 0)
		r = start_books(s);
	if (gobirths_wanted(s->options, GO_BIRTHS_HEAP) && goprofile_look(s) == 0)
		r = 0; /* that much can be said without any probe */
	if (r < 0)
		log_debug(r, "gobirths: nothing can be watched");
	if (r < 0 && (!s->options->resource || strcmp(s->options->resource, "goheap") != 0))
		return -ENOEXEC;
	return r < 0 ? (log_error(0, "%s: process %d: %s", s->options->resource, s->options->pid,
				  go_error_text(r)),
			r)
		     : 0;
}

static int source_open(const struct explain_options *options, struct reader *reader, void **ret)
{
	struct gobirths *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	if (!s)
		return -ENOMEM;
	s->options = options;
	s->reader = reader;
	s->began = monotonic_ns();
	s->profile_switch.memory = -1;
	s->windows = (struct windows){ .ops = &gobirths_windows,
				       .context = s,
				       .duration = options->duration,
				       .share = gobudget_share(options, GOBUDGET_HEAP) };
	s->module = identity_program(options->pid);
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

/* Births can be taken while nothing is attached. A book that is full takes no more. */
static int take_births(struct gobirths *s)
{
	int r = 0;

	if (s->windows.open || s->taken == s->windows.n)
		return 0;
	s->taken = s->windows.n;
	if (s->heap)
		r = survivor_take(s->probes[GO_BIRTHS_HEAP], survivors_add, s->heap);
	if (s->timers && (r == 0 || r == -ENOSPC))
		r = survivor_take(s->probes[GO_BIRTHS_TIMERS], survivors_add, s->timers);
	if (s->probes[GO_BIRTHS_MAPS] && (r == 0 || r == -ENOSPC))
		r = survivor_take(s->probes[GO_BIRTHS_MAPS], gomaps_add, &s->maps);
	return r == -ENOSPC ? 0 : r;
}

static bool note_collection(struct gobirths *s)
{
	if (s->last.generation == s->checked)
		return false;
	s->checked = s->last.generation;
	s->collected = monotonic_ns();
	return true;
}

/* A collection missed makes answers doubtful, so each is followed by a look, as far as it may cost.
 * What is rare is little, and asked about more often. */
static int check_heap(struct gobirths *s)
{
	bool due = s->heap && now() >= s->due;
	int r;

	if (!due && (!gorare_waits(s) || now() < s->looked + LOOK_PAUSE))
		return 0;
	s->looked = now();
	r = gobirths_ask_heap(s, NULL, 0, NULL);
	if (r == 0 && due && note_collection(s))
		r = gobirths_check(s->heap, &s->due);
	return r == 0 ? gorare_collected(s) : r;
}

static int source_poll(void *source)
{
	struct gobirths *s = source;
	int r = windows_poll(&s->windows);

	if (r == 0)
		r = take_births(s);
	if (r == 0)
		r = gorare_poll(s);
	if (r == 0)
		r = check_heap(s);
	if (r == 0 && s->timers && now() >= s->timers_due)
		r = gobirths_check(s->timers, &s->timers_due);
	if (r == 0 && s->profile.looks && now() >= s->profile_due)
		goprofile_look(s);
	return r == -ETIMEDOUT || r == -EPIPE ? 0 : r; /* that answer is lost */
}

static void source_cost(void *source, struct source_cost *ret)
{
	struct gobirths *s = source;
	struct survivor_counts counts;

	*ret = (struct source_cost){ .windows = s->windows.n };
	memcpy(ret->lost, s->lost, sizeof(ret->lost));
	ret->lost[LOSS_ATTACH_FAILED] += s->windows.refused;
	for (size_t i = 0; i < GORARE_MAX; i++) {
		ret->windows += s->rare[i].windows.plan.n;
		ret->lost[LOSS_ATTACH_FAILED] += s->rare[i].windows.plan.refused;
	}
	for (int births = 0; births < GO_BIRTHS_MAX; births++) {
		ret->seconds += gobirths_cost(s, (enum go_births)births, &counts);
		ret->hits += counts.values[SURVIVOR_HITS];
		for (int reason = 0; reason < LOSS_REASON_MAX; reason++)
			ret->lost[reason] += counts.lost[reason];
	}
}

static void source_detach(void *source)
{
	struct gobirths *s = source;

	windows_end(&s->windows);
	gorare_end(s);
	look_at_collector(s);
	if (s->profile.looks)
		goprofile_look(s);
	goprofile_switch_off(&s->profile_switch);
	if (take_births(s) < 0)
		return;
	if (s->heap && gobirths_check(s->heap, &s->due) == 0)
		note_collection(s);
	if (s->timers)
		gobirths_check(s->timers, &s->timers_due);
}

static int source_findings(void *source, double seconds, struct findings *ret)
{
	struct gobirths *s = source;
	size_t first = ret->n;
	int r = 0;

	if (s->heap)
		r = goheap_findings(s, seconds, ret);
	if (r == 0)
		r = goprofile_findings(s, first, ret);
	if (r == 0 && s->probes[GO_BIRTHS_MAPS])
		r = gomaps_findings(s, ret);
	if (r == 0 && s->timers)
		r = gotimer_findings(s, seconds, ret);
	if (r == 0)
		r = gorequest_findings(s, ret);
	return r;
}

const struct source source_gobirths = {
	.name = "gobirths",
	.wants = gobirths_wants,
	.open = source_open,
	.poll = source_poll,
	.cost = source_cost,
	.detach = source_detach,
	.findings = source_findings,
	.free = source_free,
};
