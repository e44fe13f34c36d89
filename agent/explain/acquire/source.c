// SPDX-License-Identifier: GPL-2.0-only
/* The source of descriptors, timers, watches, mappings, threads and children. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "agent/base/clock.h"
#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/explain/acquire/findings.h"
#include "agent/explain/acquire/account.h"
#include "agent/explain/source.h"
#include "agent/explain/acquire/truth.h"
#include "agent/probe/acquire.h"

struct acquire_source {
	const struct explain_options *options;
	bool classes[ACQUIRE_CLASS_MAX];
	struct account *account;
	struct acquire *acquire;
	double start, end; /* CLOCK_MONOTONIC */
};

/* Which classes tell of a resource. Watches and timers end or live with descriptors. */
static const struct {
	const char *resource;
	bool classes[ACQUIRE_CLASS_MAX];
} resources[] = {
	{ "fd", { [ACQUIRE_CLASS_FD] = true } },
	{ "tcp", { [ACQUIRE_CLASS_FD] = true } },
	{ "udp", { [ACQUIRE_CLASS_FD] = true } },
	{ "unix", { [ACQUIRE_CLASS_FD] = true } },
	{ "timer", { [ACQUIRE_CLASS_FD] = true, [ACQUIRE_CLASS_TIMER] = true } },
	{ "watch", { [ACQUIRE_CLASS_FD] = true, [ACQUIRE_CLASS_WATCH] = true } },
	{ "mapping", { [ACQUIRE_CLASS_MAPPING] = true } },
	{ "thread", { [ACQUIRE_CLASS_TASK] = true } },
	{ "process", { [ACQUIRE_CLASS_TASK] = true } },
};

static bool choose_classes(const char *resource, bool ret[ACQUIRE_CLASS_MAX])
{
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
		if (resource && strcmp(resource, resources[i].resource) != 0)
			continue;
		known = true;
		for (int class = 0; class < ACQUIRE_CLASS_MAX; class ++)
			ret[class] |= resources[i].classes[class];
	}
	return known;
}

static bool acquire_wants(const struct explain_options *options)
{
	bool classes[ACQUIRE_CLASS_MAX] = { false };

	return choose_classes(options->resource, classes);
}

static void source_free(void *source)
{
	struct acquire_source *s = source;

	if (!s)
		return;
	acquire_free(s->acquire);
	account_free(s->account);
	free(s);
}

static size_t count_descriptors(pid_t pid)
{
	struct truth truth = { 0 };
	size_t n;

	truth_descriptors(pid, &truth);
	n = truth.n;
	truth_clear(&truth);
	return n;
}

static void follow(void *context, uint64_t key)
{
	acquire_follow(context, key);
}

static int start(struct acquire_source *s, struct reader *reader)
{
	struct acquire_config config = { .pid = s->options->pid,
					 .objects = count_descriptors(s->options->pid),
					 .handler = account_event };
	int r = account_new(s->options->pid, reader, &s->account);

	if (r < 0)
		return r;
	memcpy(config.classes, s->classes, sizeof(config.classes));
	config.context = s->account;
	r = acquire_new(&config, &s->acquire);
	if (r < 0)
		return r;
	s->start = clock_seconds(CLOCK_MONOTONIC);
	return account_seed(s->account, s->classes, follow, s->acquire);
}

static int source_open(const struct explain_options *options, struct reader *reader, void **ret)
{
	struct acquire_source *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->options = options;
	choose_classes(options->resource, s->classes);
	r = start(s, reader);
	if (r < 0) {
		source_free(s);
		return log_error(r, "explain: cannot watch the system calls of process %d",
				 options->pid);
	}
	*ret = s;
	return 0;
}

static int source_poll(void *source)
{
	struct acquire_source *s = source;
	int r = acquire_poll(s->acquire);

	return r < 0 ? r : 0;
}

static void source_cost(void *source, struct source_cost *ret)
{
	struct acquire_source *s = source;
	struct acquire_counts counts = { 0 };

	acquire_counts(s->acquire, &counts);
	*ret = (struct source_cost){ .hits = counts.hits, .windows = 1, .seconds = counts.seconds };
	memcpy(ret->lost, counts.lost, sizeof(ret->lost));
	account_losses(s->account, ret->lost);
}

static void source_detach(void *source)
{
	struct acquire_source *s = source;

	account_look(s->account, s->classes);
	acquire_detach(s->acquire);
	acquire_poll(s->acquire);
	s->end = clock_seconds(CLOCK_MONOTONIC);
	account_settle(s->account);
}

static int source_findings(void *source, double seconds, struct findings *ret)
{
	struct acquire_source *s = source;
	struct acquire_counts counts;
	struct acquire_view view = { .pid = s->options->pid,
				     .resource = s->options->resource,
				     .account = s->account,
				     .start = s->start,
				     .end = s->end };

	account_name_sites(s->account);
	if (acquire_counts(s->acquire, &counts) == 0)
		memcpy(view.created, counts.created, sizeof(view.created));
	return acquire_findings(&view, ret);
}

const struct source source_acquire = {
	.name = "acquire",
	.wants = acquire_wants,
	.open = source_open,
	.poll = source_poll,
	.cost = source_cost,
	.detach = source_detach,
	.findings = source_findings,
	.free = source_free,
};
