// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/explain/go/profile.h"
#include "agent/explain/looks.h"

#define LOOKS_LEAST   3
#define GROWN_LEAST   5	    /* objects that are followed: 2.5 MiB of small ones */
#define ERRORS	      3.0   /* of a difference of counts, each as sure as its root */
#define GIVEN_BACK    0.05  /* of all it ever took, of a site that never gives back */
#define RETURNS_LEAST 5	    /* objects that were seen to go */
#define RETURNS_PART  0.5   /* of those that came */
#define HEAP_PART     0.1   /* that the heap must have grown by, of what is said to be kept */
#define KEPT_LEAST    65536 /* bytes, of all sites: less is no habit */
#define KEPT_PART     0.02  /* of what all keep: less drowns in it */
#define HOUR	      3600

static bool is_same(const struct go_profile_site *a, const struct go_profile_site *b)
{
	return a->n == b->n && memcmp(a->pcs, b->pcs, a->n * sizeof(a->pcs[0])) == 0;
}

static struct goprofile_site *site_get(struct goprofile *p, const struct go_profile_site *of)
{
	struct goprofile_site *rows;

	for (size_t i = 0; i < p->n; i++)
		if (is_same(&p->rows[i].last, of))
			return &p->rows[i];
	if (p->n == p->capacity) {
		p->capacity = p->capacity ? 2 * p->capacity : GO_PROFILE_SITES;
		rows = reallocarray(p->rows, p->capacity, sizeof(*rows));
		if (!rows)
			return NULL;
		p->rows = rows;
	}
	p->rows[p->n] = (struct goprofile_site){ .unsure = p->looks > 0 && p->truncated };
	if (p->looks == 0)
		p->rows[p->n].first = *of;
	return &p->rows[p->n++];
}

static int add_site(struct goprofile *p, const struct go_profile_site *of)
{
	struct goprofile_site *site = site_get(p, of);

	if (!site)
		return -ENOMEM;
	site->last = *of;
	site->seen = p->looks;
	site->live[p->looks] = of->taken - of->freed;
	return 0;
}

int goprofile_add(struct goprofile *p, const struct go_profile *reading, double at)
{
	int r = 0;

	p->rate = reading->rate;
	if (!reading->rate || p->looks == GOPROFILE_LOOKS ||
	    (p->looks && reading->cycles == p->cycles))
		return 0;
	for (uint32_t i = 0; i < reading->n && r == 0; i++)
		r = add_site(p, &reading->rows[i]);
	if (p->looks == 0)
		p->first_marked = reading->marked;
	p->marked = reading->marked;
	p->live_bytes = reading->live_bytes;
	p->cycles = reading->cycles;
	p->truncated = reading->n < reading->sites;
	p->at[p->looks++] = at;
	return r;
}

void goprofile_clear(struct goprofile *p)
{
	free(p->rows);
	*p = (struct goprofile){ 0 };
}

static bool is_no_chance(const struct goprofile_site *s, double came, double went)
{
	double ever = (double)s->last.taken, back = (double)s->last.freed;

	return came - went >= ERRORS * sqrt(came + went) ||
	       (back <= GIVEN_BACK * ever && went <= GIVEN_BACK * came);
}

static enum site_verdict judge(const struct goprofile *p, const struct goprofile_site *s,
			       double came, double went)
{
	if (p->looks < LOOKS_LEAST || s->seen != p->looks - 1 || s->unsure)
		return SITE_UNDECIDED;
	if (came - went >= GROWN_LEAST && looks_rise(p->at, s->live, p->looks, 1) &&
	    looks_grow_in_both_halves(p->at, s->live, p->looks) && is_no_chance(s, came, went))
		return SITE_KEEPS;
	return went >= RETURNS_LEAST && went >= RETURNS_PART * came ? SITE_RETURNS : SITE_UNDECIDED;
}

static void judge_site(const struct goprofile *p, const struct goprofile_site *s,
		       struct goprofile_judgement *ret)
{
	double hours = p->looks ? (p->at[p->looks - 1] - p->at[0]) / HOUR : 0;

	*ret = (struct goprofile_judgement){
		/* Two readings of one that is published between them can contradict each other. */
		.came = s->last.taken > s->first.taken ? s->last.taken - s->first.taken : 0,
		.went = s->last.freed > s->first.freed ? s->last.freed - s->first.freed : 0,
		.grown = (double)s->last.live_bytes - (double)s->first.live_bytes,
		.growth_per_hour = NAN,
		.growth_bytes_per_hour = NAN,
	};
	ret->verdict = judge(p, s, (double)ret->came, (double)ret->went);
	if (hours <= 0 || s->unsure)
		return;
	ret->growth_bytes_per_hour = ret->grown / hours;
	ret->growth_per_hour = ((double)s->last.live - (double)s->first.live) / hours;
}

/* What is kept must be seen in the heap, and a site in what is kept. */
static void forgive(const struct goprofile *p, struct goprofile_judgement *rows)
{
	double kept = 0, heap = (double)p->marked - (double)p->first_marked;
	bool denied;

	for (size_t i = 0; i < p->n; i++)
		if (rows[i].verdict == SITE_KEEPS)
			kept += rows[i].grown;
	denied = kept < KEPT_LEAST || (p->first_marked && heap < HEAP_PART * kept);
	for (size_t i = 0; i < p->n; i++)
		if (rows[i].verdict == SITE_KEEPS && (denied || rows[i].grown < KEPT_PART * kept))
			rows[i].verdict = SITE_UNDECIDED;
}

void goprofile_judge(const struct goprofile *p, struct goprofile_judgement *ret)
{
	for (size_t i = 0; i < p->n; i++)
		judge_site(p, &p->rows[i], &ret[i]);
	forgive(p, ret);
}
