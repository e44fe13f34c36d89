// SPDX-License-Identifier: GPL-2.0-only
/* The source of what the Go runtime holds: pulls of the program's memory over the watch. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/explain/go/source.h"
#include "agent/probe/identity.h"
#include "agent/runtime/go/go.h"

#define STACKS 64

static const struct go_wish wishes[] = {
	{ "goroutine", GO_GOROUTINES, 1u << GO_GOROUTINES | 1u << GO_COLLECTOR,
	  go_findings_goroutines },
	{ "gotimer", GO_TIMERS, 1u << GO_GOROUTINES | 1u << GO_TIMERS, go_findings_timers },
	{ "gc", GO_COLLECTOR, 1u << GO_COLLECTOR, go_findings_collector },
	{ "channel", GO_CHANNELS, 1u << GO_GOROUTINES | 1u << GO_COLLECTOR | 1u << GO_CHANNELS,
	  go_findings_channels },
	{ "pool", GO_POOLS, 1u << GO_POOLS, go_findings_pools },
};

static const struct go_wish everything = { NULL, GO_GOROUTINES,
					   1u << GO_GOROUTINES | 1u << GO_COLLECTOR |
						   1u << GO_TIMERS | 1u << GO_CHANNELS |
						   1u << GO_POOLS,
					   go_findings_all };

static const struct go_wish *find_wish(const struct explain_options *options)
{
	for (size_t i = 0; options->resource && i < ARRAY_SIZE(wishes); i++)
		if (strcmp(options->resource, wishes[i].resource) == 0)
			return &wishes[i];
	return options->resource ? NULL : &everything;
}

static bool go_wants(const struct explain_options *options)
{
	return find_wish(options) != NULL;
}

static void source_free(void *source)
{
	struct go_source *s = source;

	if (!s)
		return;
	go_sites_clear(&s->goroutines);
	go_sites_clear(&s->timers);
	gopools_clear(&s->pools);
	free(s->report);
	free(s->module);
	free(s);
}

/* What a pull could not read is no answer: the sites keep what earlier ones told. */
static int enter(struct go_source *s, double at)
{
	const struct go_report *r = s->report;
	int e = 0;

	gocollector_add(&s->collector, s->options->pid, r);
	if (r->status[GO_GOROUTINES] == GO_READ)
		e = go_sites_add(&s->goroutines, r, at);
	if (e == 0 && r->status[GO_TIMERS] == GO_READ)
		e = go_sites_add_timers(&s->timers, r, at);
	if (r->status[GO_CHANNELS] == GO_READ)
		gochannels_add(&s->channels, r, at);
	if (e == 0 && r->status[GO_POOLS] == GO_READ)
		e = gopools_add(&s->pools, r, s->module);
	return e;
}

static int pull(struct go_source *s)
{
	struct go_request request = { .wanted = s->wish->wanted,
				      .groups = GO_GROUPS,
				      .stacks = STACKS };
	double at = clock_seconds(CLOCK_MONOTONIC) - s->began;
	struct go_report *report;
	int r;

	go_sites_ask(&s->goroutines, &request);
	r = go_scan(s->reader, s->options->pid, &request, GO_TIMEOUT_NS, &report);
	if (r < 0)
		return r;
	go_count_unread(&report->unread, s->lost);
	if (s->report && report->status[s->wish->feature] != GO_READ) {
		free(report);
		return 0;
	}
	free(s->report);
	s->report = report;
	return enter(s, at);
}

static double interval(const struct go_source *s)
{
	return s->options->duration / GO_SLICES;
}

/* The first pull tells whether there is anything to watch. */
static int first_pull(struct go_source *s)
{
	pid_t pid = s->options->pid;
	char version[4 * GO_VERSION];
	uint32_t status;
	int r = pull(s);

	if ((r == -ETIMEDOUT || r == -EPIPE || r == -ENXIO) && !s->options->resource)
		log_warn(0, "explain: the runtime of process %d: %s", pid, go_error_text(r));
	if (r < 0 && !s->options->resource)
		return -ENOEXEC;
	if (r < 0)
		return log_error(0, "explain: process %d is %s", pid, go_error_text(r)), r;
	status = s->report->status[s->wish->feature];
	if (status != GO_READ && !s->options->resource)
		return -ENOEXEC;
	if (status != GO_READ)
		return log_error(0, "explain: %s of process %d (%s): %s",
				 go_feature_name(s->wish->feature), pid,
				 go_version(s->report, version, sizeof(version)),
				 go_status_text(status)),
		       -EOPNOTSUPP;
	s->next = s->began + interval(s);
	return 0;
}

static int source_open(const struct explain_options *options, struct reader *reader, void **ret)
{
	struct go_source *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->options = options;
	s->wish = find_wish(options);
	s->reader = reader;
	s->began = clock_seconds(CLOCK_MONOTONIC);
	s->module = identity_program(options->pid);
	r = s->module ? first_pull(s) : -ESRCH;
	if (r < 0) {
		source_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

static unsigned int pulls(const struct go_source *s)
{
	unsigned int n = s->goroutines.pulls;

	n = s->timers.pulls > n ? s->timers.pulls : n;
	return s->pools.pulls > n ? s->pools.pulls : n;
}

/* The last pull is that of the end. */
static int source_poll(void *source)
{
	struct go_source *s = source;
	int r;

	if (clock_seconds(CLOCK_MONOTONIC) < s->next || pulls(s) >= GO_PULLS - 1)
		return 0;
	/* Pulls that a busy host let pass are not made up for: they would all tell of one moment.
	 */
	s->next = fmax(s->next, clock_seconds(CLOCK_MONOTONIC) - interval(s) / 2) + interval(s);
	r = pull(s);
	return r == -ESRCH ? r : 0;
}

static void source_cost(void *source, struct source_cost *ret)
{
	const struct go_source *s = source;

	*ret = (struct source_cost){ .windows = pulls(s) };
	memcpy(ret->lost, s->lost, sizeof(ret->lost));
}

static void source_detach(void *source)
{
	struct go_source *s = source;

	pull(s); /* what the earlier ones say stays when the program has ended */
	go_sites_settle(&s->timers);
}

static int source_findings(void *source, double seconds, struct findings *ret)
{
	const struct go_source *s = source;

	return s->wish->findings(s, ret);
}

const struct source source_go = {
	.name = "go",
	.wants = go_wants,
	.open = source_open,
	.poll = source_poll,
	.cost = source_cost,
	.detach = source_detach,
	.findings = source_findings,
	.free = source_free,
};
