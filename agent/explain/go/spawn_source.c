// SPDX-License-Identifier: GPL-2.0-only
/* The source of who starts goroutines. It makes no findings: it completes those of the others. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/explain/go/budget.h"
#include "agent/explain/go/probe.h"
#include "agent/explain/go/spawns.h"
#include "agent/explain/source.h"
#include "agent/probe/identity.h"
#include "agent/probe/survivor.h"
#include "agent/runtime/go/objects.h"

struct gospawn_source {
	const struct explain_options *options;
	struct reader *reader;
	struct uprobe_host host;
	char *module; /* path of the program, escaped */
	struct survivor *probe;
	struct goprobe_windows windows;
	struct gospawns spawns;
};

static bool gospawn_wants(const struct explain_options *options)
{
	static const char *const resources[] = { "goroutine", "gotimer", "goheap" };

	for (size_t i = 0; options->resource && i < ARRAY_SIZE(resources); i++)
		if (strcmp(options->resource, resources[i]) == 0)
			return true;
	return false;
}

static void source_free(void *source)
{
	struct gospawn_source *s = source;

	if (!s)
		return;
	survivor_free(s->probe);
	gospawns_clear(&s->spawns);
	free(s->module);
	free(s);
}

/* Without it the others say less, and that is all. */
static int source_open(const struct explain_options *options, struct reader *reader, void **ret)
{
	struct gospawn_source *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	if (!s)
		return -ENOMEM;
	s->options = options;
	s->reader = reader;
	s->module = identity_program(options->pid);
	if (s->module)
		r = goprobe_new(reader, options->pid, GO_BIRTHS_GOROUTINES, 0, &s->host, &s->probe);
	if (r < 0) {
		log_debug(r, "gospawns: nothing can be watched");
		source_free(s);
		return -ENOEXEC;
	}
	s->windows = (struct goprobe_windows){ .probe = s->probe,
					       .host = &s->host,
					       .births = GO_BIRTHS_GOROUTINES };
	goprobe_windows_start(&s->windows, options->duration,
			      gobudget_share(options, GOBUDGET_SPAWNS));
	*ret = s;
	return 0;
}

static int source_poll(void *source)
{
	struct gospawn_source *s = source;
	int r = goprobe_windows_poll(&s->windows, gospawns_add, &s->spawns);

	return r < 0 ? r : 0;
}

static void source_cost(void *source, struct source_cost *ret)
{
	struct gospawn_source *s = source;
	struct survivor_counts counts;

	*ret = (struct source_cost){ .windows = s->windows.plan.n };
	ret->seconds = goprobe_cost(s->probe, &s->host, GO_BIRTHS_GOROUTINES, &counts);
	ret->hits = counts.values[SURVIVOR_HITS];
	memcpy(ret->lost, counts.lost, sizeof(ret->lost));
	ret->lost[LOSS_ATTACH_FAILED] += s->windows.plan.refused;
}

static void source_detach(void *source)
{
	struct gospawn_source *s = source;

	goprobe_windows_end(&s->windows, gospawns_add, &s->spawns);
	s->spawns.watched = s->windows.watched;
}

/* What cannot be named stays without frames and is passed over. */
static void name(struct gospawn_source *s, struct gospawn *spawn)
{
	struct survivor_site site;
	uint64_t pcs[SURVIVOR_FRAMES];

	if (survivor_site(s->probe, spawn->key, &site) < 0 || site.frames == 0 ||
	    site.frames > SURVIVOR_FRAMES)
		return;
	memcpy(pcs, site.pcs, sizeof(pcs));
	spawn->pc = pcs[0];
	spawn->started = site.created;
	if (go_names_ask(s->reader, s->options->pid, s->module, pcs, site.frames, &spawn->frames,
			 &spawn->n_frames) < 0)
		log_debug(0, "gospawns: a stack stays unnamed");
}

static int source_findings(void *source, double seconds, struct findings *ret)
{
	struct gospawn_source *s = source;
	bool named = false;
	int r = 0;

	for (size_t i = 0; i < ret->n && r == 0; i++) {
		if (ret->rows[i].verdict != SITE_KEEPS)
			continue;
		for (size_t k = 0; k < s->spawns.n && !named; k++)
			name(s, &s->spawns.rows[k]);
		named = true;
		r = gospawns_extend(&s->spawns, seconds, &ret->rows[i]);
	}
	return r;
}

const struct source source_gospawns = {
	.name = "gospawns",
	.wants = gospawn_wants,
	.open = source_open,
	.poll = source_poll,
	.cost = source_cost,
	.detach = source_detach,
	.findings = source_findings,
	.free = source_free,
};
