// SPDX-License-Identifier: GPL-2.0-only
/* The source of all that is cheap to know, or of what several know: those that have something to
 * say of this process, side by side. */
#include <errno.h>
#include <stdlib.h>

#include "agent/base/cleanup.h"
#include "agent/explain/source.h"

/*
 * Attaching and detaching may take seconds on a busy host. What only looks is the last to begin and
 * the first to end, so that it looks at what the others watch. What completes the findings of
 * others comes after them.
 */
static const struct source *const parts[] = { &source_acquire,	 &source_gobirths,
					      &source_gobuffers, &source_transaction,
					      &source_go,	 &source_gospawns };

struct all_source {
	void *states[ARRAY_SIZE(parts)]; /* NULL: has nothing to say of it */
};

static bool all_wants(const struct explain_options *options)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		n += options->resource && parts[i]->wants(options);
	return !options->resource || n > 1;
}

static void all_free(void *source)
{
	struct all_source *s = source;

	if (!s)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		parts[i]->free(s->states[i]);
	free(s);
}

/* A part that finds nothing of its kind in the process says -ENOEXEC and no word. */
static int all_open(const struct explain_options *options, struct reader *reader, void **ret)
{
	struct all_source *s = calloc(1, sizeof(*s));
	int r = s ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++) {
		if (options->resource && !parts[i]->wants(options))
			continue;
		r = parts[i]->open(options, reader, &s->states[i]);
		if (r == -ENOEXEC)
			r = 0;
	}
	if (r < 0)
		all_free(s);
	else
		*ret = s;
	return r;
}

/* The end of one part's budget or means is not that of the others, but the process's is. */
static int all_poll(void *source)
{
	struct all_source *s = source;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		int r = s->states[i] ? parts[i]->poll(s->states[i]) : 0;

		if (r == -ESRCH)
			return r;
	}
	return 0;
}

static void all_cost(void *source, struct source_cost *ret)
{
	struct all_source *s = source;

	*ret = (struct source_cost){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		struct source_cost cost = { 0 };

		if (s->states[i])
			parts[i]->cost(s->states[i], &cost);
		ret->hits += cost.hits;
		ret->windows += cost.windows;
		ret->seconds += cost.seconds;
		for (int reason = 0; reason < LOSS_REASON_MAX; reason++)
			ret->lost[reason] += cost.lost[reason];
	}
}

static void all_detach(void *source)
{
	struct all_source *s = source;

	for (size_t i = ARRAY_SIZE(parts); i-- > 0;)
		if (s->states[i])
			parts[i]->detach(s->states[i]);
}

static int all_findings(void *source, double seconds, struct findings *ret)
{
	struct all_source *s = source;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		if (s->states[i])
			r = parts[i]->findings(s->states[i], seconds, ret);
	return r;
}

const struct source source_all = {
	.name = "all",
	.wants = all_wants,
	.open = all_open,
	.poll = all_poll,
	.cost = all_cost,
	.detach = all_detach,
	.findings = all_findings,
	.free = all_free,
};
