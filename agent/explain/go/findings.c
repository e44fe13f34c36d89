// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/explain/go/chains.h"
#include "agent/explain/go/source.h"
#include "agent/explain/go/timers.h"
#include "agent/runtime/go/go.h"
#include "agent/runtime/go/patterns.h"

/* The largest group of a site at the last pull: it has a stack before others do. */
static const struct go_group *find_group(const struct go_report *r, const struct go_site *site)
{
	uint64_t key[2];

	for (uint32_t i = 0; i < r->n_groups; i++) {
		go_group_key(r, &r->groups[i], key);
		if (key[0] == site->key[0] && key[1] == site->key[1])
			return &r->groups[i];
	}
	return NULL;
}

static const struct go_timer *find_timer(const struct go_report *r, const struct go_site *site)
{
	uint64_t key[2];

	for (uint32_t i = 0; i < r->n_timers; i++) {
		go_timer_key(r, &r->timer_groups[i], key);
		if (key[0] == site->key[0] && key[1] == site->key[1])
			return &r->timer_groups[i];
	}
	return NULL;
}

/* Where it was made, then where one of them stands now. */
static int set_frames(const struct go_source *s, const struct go_group *g, struct finding *f)
{
	const struct go_report *r = s->report;
	int e = go_frames_add(r, g->made, s->module, f->frames, &f->n_frames);

	for (uint16_t i = 0; e == 0 && i < g->n_stack; i++)
		e = go_frames_add(r, r->stacks[g->stack + i], s->module, f->frames, &f->n_frames);
	if (e == 0 && !g->n_stack)
		e = go_frames_add(r, g->start, s->module, f->frames, &f->n_frames);
	return e;
}

static int add_finding(const char *resource, const struct go_judgement *j, struct findings *list,
		       struct finding **ret)
{
	struct finding *f = findings_add(list);

	if (!f)
		return -ENOMEM;
	f->frames = calloc(SITE_FRAMES, sizeof(*f->frames));
	if (!f->frames)
		return -ENOMEM;
	f->resource = resource;
	f->verdict = j->verdict;
	f->live = j->live;
	f->created = j->created;
	f->destroyed = j->destroyed;
	f->growth_per_hour = j->growth_per_hour;
	*ret = f;
	return 0;
}

/* What the numbers of a finding do not say. */
static void set_evidence(const struct go_evidence *e, struct finding *f)
{
	if (e->group && e->group->leaked)
		snprintf(f->evidence, sizeof(f->evidence),
			 "the runtime itself calls %" PRIu32
			 " of them leaked: nothing that lives can wake them",
			 e->group->leaked);
	if (!f->pattern || !e->grown || *f->evidence)
		return;
	if (strcmp(f->pattern, "long-lived-capture") == 0)
		snprintf(f->evidence, sizeof(f->evidence), "each keeps about %.0f KiB of the heap",
			 (double)e->heap_grown / (double)e->grown / 1024);
	else if (strcmp(f->pattern, "goroutine-per-request") == 0 && e->ended)
		snprintf(f->evidence, sizeof(f->evidence),
			 "%" PRIu64 " that had waited ended meanwhile: a backlog, which returns "
			 "when fewer come",
			 e->ended);
	else if (strcmp(f->pattern, "goroutine-per-request") == 0)
		snprintf(f->evidence, sizeof(f->evidence), "none that stayed ended meanwhile");
}

/*
 * What the heap grew by with those that came: by collections of this watch, else by all that was
 * allocated; and not by more for each than the last collection found alive for those that it could
 * know. Before the first collection no more can have lived than was allocated.
 */
static int64_t heap_grown(const struct go_source *s, uint64_t live, uint64_t grown)
{
	const struct gocollector *c = &s->collector;
	const struct go_collector *first = &c->first.c, *last = &c->last.c;
	uint64_t lived = first->heap_marked ? first->heap_marked : first->heap_live;
	double most, by;

	if (c->points < 2)
		return 0;
	most = (double)last->heap_marked * (double)grown /
	       (double)(live > grown ? live - grown : 1);
	by = gocollector_cycles(c) > 0 ? (double)last->heap_marked - (double)lived
				       : (double)last->heap_live - (double)first->heap_live;
	return (int64_t)(by < most ? by : most);
}

/* In all of the program, between the first pull and the last. */
static int64_t goroutines_grown(const struct go_sites *s)
{
	int64_t grown = 0;

	for (size_t i = 0; s->pulls && i < s->n; i++)
		grown += (int64_t)s->rows[i].live[s->pulls - 1] - (int64_t)s->rows[i].live[0];
	return grown;
}

static void set_patterns(const struct go_source *s, const struct go_group *g,
			 const struct go_timer *t, const struct go_judgement *j, struct finding *f)
{
	struct go_evidence e = { .report = s->report,
				 .group = g,
				 .timer = t,
				 .keeps = j->verdict == SITE_KEEPS,
				 .ended = j->ended,
				 .freed = j->freed,
				 .live = j->live,
				 .grown = j->created > j->destroyed ? j->created - j->destroyed
								    : 0 };

	e.goroutines_grown = goroutines_grown(&s->goroutines);
	e.heap_grown = heap_grown(s, e.live, e.grown);
	go_patterns_find(&e, &f->pattern, f->also);
	set_evidence(&e, f);
	if (f->verdict != SITE_KEEPS || f->pattern || !go_serves_few_more(&e))
		return;
	f->verdict = SITE_UNDECIDED;
	snprintf(f->evidence, sizeof(f->evidence),
		 "so few more connections than before can be what clients keep to use again; a "
		 "longer watch will tell");
}

static int add_goroutines(const struct go_source *s, const struct go_site *site,
			  struct findings *ret)
{
	const struct go_group *g = find_group(s->report, site);
	struct go_judgement j;
	struct finding *f;
	int r;

	if (!g)
		return 0;
	go_sites_judge(&s->goroutines, site, &j);
	r = add_finding("goroutine", &j, ret, &f);
	if (r < 0)
		return r;
	f->live_bytes = site->stack_bytes;
	set_patterns(s, g, NULL, &j, f);
	return set_frames(s, g, f);
}

/* A sleeping goroutine's timer, or a connection's deadline, is told by its goroutine. */
static bool is_told_elsewhere(const struct go_timer *t)
{
	return t->kind == GO_TIMER_SLEEP || t->kind == GO_TIMER_DEADLINE;
}

/* Those that a window saw being made stand in the list already. */
static void judge_chain(const struct go_source *s, const struct go_timer *t,
			const struct findings *list, struct go_judgement *j)
{
	const struct go_place *callback = go_code_place(s->report, t->code);

	if (t->kind == GO_TIMER_CALLBACK && j->piles_up && callback &&
	    gochains_arm(list, go_string(s->report, callback->function)))
		j->verdict = SITE_KEEPS;
	else
		j->piles_up = false;
}

static int add_timers(const struct go_source *s, const struct go_site *site, struct findings *ret)
{
	static const char *const kinds[GO_TIMER_KINDS] = {
		[GO_TIMER_CALLBACK] = "callback", [GO_TIMER_CONTEXT] = "context",
		[GO_TIMER_TICKER] = "ticker",	  [GO_TIMER_ONCE] = "once",
		[GO_TIMER_OTHER] = "other",
	};
	const struct go_timer *t = find_timer(s->report, site);
	struct go_judgement j;
	struct finding *f;
	int r;

	if (!t || is_told_elsewhere(t))
		return 0;
	go_sites_judge(&s->timers, site, &j);
	judge_chain(s, t, ret, &j);
	r = add_finding("gotimer", &j, ret, &f);
	if (r < 0)
		return r;
	f->kind = kinds[t->kind];
	set_patterns(s, NULL, t, &j, f);
	/* Those with no pattern are waited for (runtime/go/patterns.c). */
	if (f->verdict == SITE_KEEPS && !f->pattern && gotimer_sends(f->kind))
		f->verdict = SITE_UNDECIDED;
	if (j.piles_up)
		snprintf(f->evidence, sizeof(f->evidence),
			 "each that fires makes the next, within %.1f s, and there are more and "
			 "more",
			 site->longest);
	if (t->code == GO_CODES)
		f->reason = "the runtime does not record who made it";
	return go_frames_add(s->report, t->code, s->module, f->frames, &f->n_frames);
}

int go_findings_goroutines(const struct go_source *s, struct findings *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->goroutines.n; i++)
		r = add_goroutines(s, &s->goroutines.rows[i], ret);
	return r;
}

int go_findings_timers(const struct go_source *s, struct findings *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->timers.n; i++)
		r = add_timers(s, &s->timers.rows[i], ret);
	return r;
}

int go_findings_pools(const struct go_source *s, struct findings *ret)
{
	return gopools_findings(&s->pools, ret);
}

int go_findings_all(const struct go_source *s, struct findings *ret)
{
	int r = go_findings_goroutines(s, ret);

	if (r == 0)
		r = go_findings_timers(s, ret);
	if (r == 0)
		r = go_findings_collector(s, ret);
	if (r == 0)
		r = go_findings_outside(s, ret);
	if (r == 0)
		r = go_findings_channels(s, ret);
	return r == 0 ? go_findings_pools(s, ret) : r;
}
