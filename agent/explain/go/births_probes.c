// SPDX-License-Identifier: GPL-2.0-only
/* Which kinds of births are watched, with a probe each, and the windows that most of them share. */
#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/explain/go/births.h"
#include "agent/explain/go/probe.h"

/* Which kinds a resource is about. */
static const struct {
	const char *resource;
	uint32_t births; /* bits by enum go_births */
} wishes[] = {
	{ "goheap", 1u << GO_BIRTHS_HEAP | 1u << GO_BIRTHS_SLOTS | 1u << GO_BIRTHS_LARGE |
			    1u << GO_BIRTHS_MAPS },
	{ "gotimer", 1u << GO_BIRTHS_TIMERS },
	{ "goroutine", 1u << GO_BIRTHS_REQUESTS },
	{ "pool", 1u << GO_BIRTHS_QUERIES },
};

bool gobirths_wanted(const struct explain_options *o, enum go_births births)
{
	for (size_t i = 0; i < ARRAY_SIZE(wishes); i++)
		if (wishes[i].births >> births & 1 &&
		    (!o->resource || strcmp(o->resource, wishes[i].resource) == 0))
			return true;
	return false;
}

/* Of what is wanted, all that can be had; a program that never sets a timer has no such function.
 */
int gobirths_start_probes(struct gobirths *s)
{
	bool any = false;
	int r = 0;

	for (int births = 0; births < GO_BIRTHS_MAX; births++) {
		if (!gobirths_wanted(s->options, (enum go_births)births))
			continue;
		r = goprobe_new(s->reader, s->options->pid, (enum go_births)births,
				births == GO_BIRTHS_MAPS ? GOMAPS_LEAST : 0, &s->host,
				&s->probes[births]);
		any |= r == 0;
		if (r < 0 && r != -ENOENT && r != -ENODATA)
			return r;
	}
	return any ? 0 : r;
}

double gobirths_cost(struct gobirths *s, enum go_births births, struct survivor_counts *ret)
{
	return goprobe_cost(s->probes[births], &s->host, births, ret);
}

/* What is rare has windows of its own. */
static bool is_windowed(const struct gobirths *s, int births)
{
	return s->probes[births] && !gorare_is((enum go_births)births);
}

static void window_end(void *source)
{
	struct gobirths *s = source;

	for (int births = 0; births < GO_BIRTHS_MAX; births++)
		if (is_windowed(s, births))
			survivor_detach(s->probes[births]);
}

static int window_begin(void *source)
{
	struct gobirths *s = source;
	int r = 0;

	for (int births = 0; births < GO_BIRTHS_MAX && r == 0; births++)
		if (is_windowed(s, births))
			r = survivor_attach(s->probes[births]);
	if (r < 0)
		window_end(s);
	return r;
}

static pid_t window_obstacle(void *source)
{
	const struct gobirths *s = source;
	pid_t pid = 0;

	for (int births = 0; births < GO_BIRTHS_MAX && pid == 0; births++)
		if (is_windowed(s, births))
			pid = survivor_obstacle(s->probes[births]);
	return pid;
}

static double window_cost(void *source)
{
	struct survivor_counts counts;
	double cost = 0;

	for (int births = 0; births < GO_BIRTHS_MAX; births++)
		if (is_windowed(source, births))
			cost += gobirths_cost(source, (enum go_births)births, &counts);
	return cost;
}

const struct window_ops gobirths_windows = {
	.begin = window_begin,
	.obstacle = window_obstacle,
	.end = window_end,
	.cost = window_cost,
};
