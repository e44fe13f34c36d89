// SPDX-License-Identifier: GPL-2.0-only
/* The timers of a watch: the runtime gives them no number, so a sample is followed. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/explain/go/sites.h"

#define LIVES_MAX 16384 /* a watch's samples, were each one new at each pull */

void go_timer_key(const struct go_report *r, const struct go_timer *t, uint64_t ret[2])
{
	ret[0] = t->code < r->n_codes ? r->codes[t->code].pc : 0;
	ret[1] = t->period * GO_TIMER_KINDS + t->kind;
}

static int compare_lives(const void *left, const void *right)
{
	const struct go_life *a = left, *b = right;

	return (a->identity > b->identity) - (a->identity < b->identity);
}

/* A sample holds by its own identity alone, so the thinnest one seen yet is part of each. */
static void thin_out(struct go_sites *s, uint64_t sampled)
{
	size_t n = 0;

	if (sampled <= s->sampled)
		return;
	s->sampled = sampled;
	for (size_t i = 0; i < s->n_lives; i++)
		if (s->lives[i].identity % sampled == 0)
			s->lives[n++] = s->lives[i];
	s->n_lives = n;
}

/* The lives that were known stand sorted before those that this pull adds. */
static void follow(struct go_sites *s, size_t known, const struct go_life *seen)
{
	struct go_life *found =
		known ? bsearch(seen, s->lives, known, sizeof(*seen), compare_lives) : NULL;

	if (found)
		found->last = (uint8_t)s->pulls;
	else if (s->n_lives < LIVES_MAX)
		s->lives[s->n_lives++] = *seen;
}

static int follow_all(struct go_sites *s, const struct go_report *r, const uint32_t *sites)
{
	size_t known;

	if (!s->lives && !(s->lives = calloc(LIVES_MAX, sizeof(*s->lives))))
		return -ENOMEM;
	thin_out(s, r->sampled);
	known = s->n_lives;
	for (uint32_t i = 0; i < r->n_samples; i++) {
		struct go_life life = { .identity = r->samples[i].identity,
					.site = sites[r->samples[i].group],
					.born = (uint8_t)s->pulls,
					.last = (uint8_t)s->pulls };

		if (life.identity % s->sampled == 0)
			follow(s, known, &life);
	}
	qsort(s->lives, s->n_lives, sizeof(s->lives[0]), compare_lives);
	return 0;
}

int go_sites_add_timers(struct go_sites *s, const struct go_report *r, double at)
{
	uint32_t sites[GO_TIMERS_MAX];
	int e;

	if (s->pulls == GO_PULLS)
		return -E2BIG;
	for (uint32_t i = 0; i < r->n_timers; i++) {
		const struct go_timer *t = &r->timer_groups[i];
		struct go_site *site;
		uint64_t key[2];

		go_timer_key(r, t, key);
		site = go_sites_get(s, key);
		if (!site)
			return -ENOMEM;
		site->live[s->pulls] += t->count;
		site->longest = fmax(site->longest, (double)t->left_most / 1e9);
		sites[i] = (uint32_t)(site - s->rows);
	}
	e = follow_all(s, r, sites);
	s->at[s->pulls++] = at;
	return e;
}

void go_sites_settle(struct go_sites *s)
{
	for (size_t i = 0; i < s->n_lives; i++) {
		const struct go_life *l = &s->lives[i];

		for (unsigned int pull = l->born; pull <= l->last; pull++)
			s->rows[l->site].by_birth[pull][l->born]++;
	}
}
