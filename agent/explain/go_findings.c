// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/explain/go_source.h"
#include "agent/runtime/go/go.h"

/* The largest group of a site at the last pull: it has a stack before others do. */
static const struct go_group *find_group(const struct go_report *r, const struct go_site *site)
{
	for (uint32_t i = 0; i < r->n_groups; i++) {
		const struct go_group *g = &r->groups[i];

		if (g->made < r->n_codes && g->start < r->n_codes &&
		    r->codes[g->made].pc == site->made && r->codes[g->start].pc == site->start)
			return g;
	}
	return NULL;
}

/* Where it was made, then where one of them stands now. */
static int set_frames(const struct go_source *s, const struct go_group *g, struct finding *f)
{
	const struct go_report *r = s->report;
	struct site_frame *frames = calloc(SITE_FRAMES, sizeof(*frames));
	int e;

	if (!frames)
		return -ENOMEM;
	f->frames = frames;
	e = go_frames_add(r, g->made, s->module, frames, &f->n_frames);
	for (uint16_t i = 0; e == 0 && i < g->n_stack; i++)
		e = go_frames_add(r, r->stacks[g->stack + i], s->module, frames, &f->n_frames);
	if (e == 0 && !g->n_stack)
		e = go_frames_add(r, g->start, s->module, frames, &f->n_frames);
	return e;
}

/* A wait in the runtime's words has no place in the model, whose kinds are a table. */
static int add_site(const struct go_source *s, const struct go_site *site, struct findings *ret)
{
	const struct go_group *g = find_group(s->report, site);
	struct go_judgement judgement;
	struct finding *f;

	if (!g)
		return 0;
	f = findings_add(ret);
	if (!f)
		return -ENOMEM;
	go_sites_judge(&s->sites, site, &judgement);
	f->resource = "goroutine";
	f->verdict = judgement.verdict;
	f->live = judgement.live;
	f->created = judgement.created;
	f->destroyed = judgement.destroyed;
	f->growth_per_hour = judgement.growth_per_hour;
	f->live_bytes = site->stack_bytes;
	return set_frames(s, g, f);
}

int go_findings_goroutines(const struct go_source *s, struct findings *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->sites.n; i++)
		r = add_site(s, &s->sites.rows[i], ret);
	return r;
}
