// SPDX-License-Identifier: GPL-2.0-only
/* The source of what the Go runtime holds: pulls of the program's memory over the watch. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/explain/go_source.h"
#include "agent/model/escape.h"
#include "agent/runtime/go/go.h"

#define SCAN_NS	 5000000000ull /* learning a large program takes a while, once */
#define STACKS	 64
#define PATH_LEN 4096

static bool go_wants(const struct explain_options *options)
{
	return options->resource && strcmp(options->resource, "goroutine") == 0;
}

static void source_free(void *source)
{
	struct go_source *s = source;

	if (!s)
		return;
	go_sites_clear(&s->sites);
	free(s->report);
	free(s->module);
	free(s);
}

static int pull(struct go_source *s)
{
	struct go_request request = { .wanted = 1u << GO_GOROUTINES, .stacks = STACKS };
	struct go_report *report;
	double now = clock_seconds(CLOCK_MONOTONIC);
	int r;

	go_sites_ask(&s->sites, &request);
	r = go_scan(s->reader, s->options->pid, &request, SCAN_NS, &report);
	if (r < 0)
		return r;
	free(s->report);
	s->report = report;
	s->reads += report->reads;
	return go_sites_add(&s->sites, report, now - s->began);
}

static char *program_path(pid_t pid)
{
	char path[64], target[PATH_LEN];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	return escape_strdup(target);
}

static double interval(const struct go_source *s)
{
	return s->options->duration / GO_SLICES;
}

/* The first pull tells whether there is anything to watch. */
static int first_pull(struct go_source *s)
{
	pid_t pid = s->options->pid;
	uint32_t status;
	int r = pull(s);

	if (r < 0)
		return log_error(0, "explain: process %d is %s", pid, go_error_text(r)), r;
	status = s->report->status[GO_GOROUTINES];
	if (status != GO_READ)
		return log_error(0, "explain: goroutines of process %d (%s): %s", pid,
				 *s->report->version ? s->report->version : "an unknown Go",
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
	s->reader = reader;
	s->began = clock_seconds(CLOCK_MONOTONIC);
	s->module = program_path(options->pid);
	r = s->module ? first_pull(s) : -ENOMEM;
	if (r < 0) {
		source_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

/* The last pull is that of the end. */
static int source_poll(void *source)
{
	struct go_source *s = source;
	int r;

	if (clock_seconds(CLOCK_MONOTONIC) < s->next || s->sites.pulls >= GO_PULLS - 1)
		return 0;
	s->next += interval(s);
	r = pull(s);
	return r == -ESRCH ? r : 0;
}

static void source_cost(void *source, struct source_cost *ret)
{
	const struct go_source *s = source;

	*ret = (struct source_cost){ .windows = s->sites.pulls };
	ret->lost[LOSS_READ_FAULT] = s->report->failed;
}

static void source_detach(void *source)
{
	pull(source); /* what the earlier ones say stays when the program has ended */
}

static int source_findings(void *source, double seconds, struct findings *ret)
{
	return go_findings_goroutines(source, ret);
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
