// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/explain/go/sites.h"
#include "agent/explain/looks.h"
#include "agent/runtime/go/go.h"
#include "agent/runtime/go/patterns.h"

#define SITES_MAX      4096
#define LEAST	       3   /* goroutines that a verdict rests on */
#define ENDS_OF_KEPT   0.1 /* of those that became old, so many may end where a site keeps */
#define PULLS_TO_JUDGE 4
#define AGE_PART       0.25 /* of the watch: what is older is old */
#define CAME_LEAST     10   /* that came during it, before their times say anything */
#define FROM_NOTHING   0.1  /* of those at the end: with so few at the beginning it warms up */
#define LONGER	       1.15 /* a backlog's later ones last, by that factor */
#define LATE_PART      0.1  /* of them, in its last third: less is a pool that has filled */
#define ROUNDS	       3    /* times that each timer has fired in a watch that tells of them */
#define CHANCE	       3    /* standard errors of a count of what comes by chance */

void go_sites_ask(const struct go_sites *s, struct go_request *ret)
{
	ret->n_slices = s->pulls < GO_SLICES ? s->pulls : GO_SLICES;
	memcpy(ret->slices, s->last_goid, ret->n_slices * sizeof(ret->slices[0]));
}

struct go_site *go_sites_get(struct go_sites *s, const uint64_t key[2])
{
	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].key[0] == key[0] && s->rows[i].key[1] == key[1])
			return &s->rows[i];
	if (s->n == s->capacity) {
		size_t capacity = s->capacity ? 2 * s->capacity : 64;
		struct go_site *rows = capacity <= SITES_MAX
					       ? reallocarray(s->rows, capacity, sizeof(*rows))
					       : NULL;

		if (!rows)
			return NULL;
		s->rows = rows;
		s->capacity = capacity;
	}
	s->rows[s->n] = (struct go_site){ .key = { key[0], key[1] } };
	return &s->rows[s->n++];
}

static uint64_t code_pc(const struct go_report *r, uint16_t code)
{
	return code < r->n_codes ? r->codes[code].pc : 0;
}

void go_group_key(const struct go_report *r, const struct go_group *g, uint64_t ret[2])
{
	ret[0] = code_pc(r, g->made);
	ret[1] = code_pc(r, g->start);
}

static void add_group(struct go_sites *s, struct go_site *site, const struct go_group *g,
		      bool waiting)
{
	site->live[s->pulls] += g->count;
	site->leaked += g->leaked;
	site->stack_bytes += g->stack_bytes;
	for (unsigned int i = 0; i <= s->pulls; i++) {
		site->by_birth[s->pulls][i] += g->by_age[i];
		site->waiting[s->pulls][i] += waiting ? g->by_age[i] : 0;
	}
}

int go_sites_add(struct go_sites *s, const struct go_report *r, double at)
{
	if (s->pulls == GO_PULLS)
		return -E2BIG;
	for (size_t i = 0; i < s->n; i++)
		s->rows[i].leaked = s->rows[i].stack_bytes = 0;
	for (uint32_t i = 0; i < r->n_groups; i++) {
		struct go_site *site;
		uint64_t key[2];

		go_group_key(r, &r->groups[i], key);
		site = go_sites_get(s, key);
		if (!site)
			return -ENOMEM;
		add_group(s, site, &r->groups[i],
			  go_waits_for_others(go_string(r, r->groups[i].reason)));
	}
	s->last_goid[s->pulls] = r->last_goid;
	if (s->pulls && s->last_goid[s->pulls] < s->last_goid[s->pulls - 1])
		s->last_goid[s->pulls] = s->last_goid[s->pulls - 1];
	s->at[s->pulls++] = at;
	return 0;
}

void go_sites_clear(struct go_sites *s)
{
	free(s->rows);
	free(s->lives);
	*s = (struct go_sites){ 0 };
}

/*
 * Ids are handed out to processors in batches of 16, so a goroutine can bear an id from before its
 * time. What one cohort gains by that no other loses, so only losses tell of ends.
 */
static uint64_t fell(uint32_t from, uint32_t to)
{
	return from > to ? from - to : 0;
}

/* Ends of those that were seen at a pull: from the one after their birth's on (settled), so that
 * passing work is left out, or from the first. */
static uint64_t count_gone(const struct go_sites *s, const go_cohorts cohorts, bool settled)
{
	unsigned int last = s->pulls - 1;
	uint64_t n = 0;

	for (unsigned int born = 0; born + settled <= last; born++)
		n += fell(cohorts[born + settled][born], cohorts[last][born]);
	return n;
}

/* They may have begun to wait later than they were born, so that each cohort is held against the
 * most of it that waited at once. */
static uint64_t count_freed(const struct go_sites *s, const struct go_site *site)
{
	unsigned int last = s->pulls - 1;
	uint64_t n = 0;

	for (unsigned int born = 0; born < last; born++) {
		uint32_t most = 0;

		for (unsigned int pull = born + 1; pull <= last; pull++)
			if (site->waiting[pull][born] > most)
				most = site->waiting[pull][born];
		n += most - site->waiting[last][born];
	}
	return n;
}

static uint64_t count(const struct go_sites *s, const go_cohorts cohorts, unsigned int pull)
{
	uint64_t n = 0;

	for (unsigned int born = 0; born <= pull; born++)
		n += cohorts[pull][born];
	return n;
}

/* How many at a pull are older than a quarter of the watch. */
static uint64_t count_old(const struct go_sites *s, const go_cohorts cohorts, unsigned int pull)
{
	double age = AGE_PART * (s->at[s->pulls - 1] - s->at[0]);
	uint64_t n = 0;

	for (unsigned int born = 0; born < pull && s->at[pull] - s->at[born] >= age; born++)
		n += cohorts[pull][born];
	return n;
}

/*
 * Of those that came during the watch and live at its end, enough came in its last third: by their
 * ids, or by the count, since many processors hand out old ids for long.
 */
static bool goes_on(const struct go_sites *s, const go_cohorts cohorts, const uint64_t *live)
{
	unsigned int last = s->pulls - 1, third = looks_at(s->at, s->pulls, 2. / 3);
	uint64_t came = 0, late = 0, more;

	if (third == last)
		third--;
	for (unsigned int born = 1; born <= last; born++) {
		came += cohorts[last][born];
		late += born > third ? cohorts[last][born] : 0;
	}
	more = fell(live[last], live[third]);
	return came < CAME_LEAST || fmax((double)late, (double)more) >= LATE_PART * (double)came;
}

static uint64_t count_grown(const struct go_sites *s, const go_cohorts cohorts)
{
	uint64_t first = count_old(s, cohorts, looks_at(s->at, s->pulls, AGE_PART));
	uint64_t end = count_old(s, cohorts, s->pulls - 1);

	return end > first ? end - first : 0;
}

/*
 * A site that keeps has more and more old ones, in both halves of the watch, and gets new ones to
 * its end: neither load nor a pool that fills does that. And it has more when there is least to do:
 * of a burst some bear ids from before it, and look old.
 */
static bool rises(const struct go_sites *s, const go_cohorts cohorts, const uint64_t *live)
{
	unsigned int last = s->pulls - 1, middle = looks_at(s->at, s->pulls, (1 + AGE_PART) / 2);
	uint64_t first = count_old(s, cohorts, looks_at(s->at, s->pulls, AGE_PART));
	uint64_t half = count_old(s, cohorts, middle < last ? middle : last - 1);
	uint64_t end = count_old(s, cohorts, last);

	return end >= first + LEAST && half > first && end > half && goes_on(s, cohorts, live) &&
	       looks_floor_rises(s->at, live, s->pulls);
}

static bool is_next_to_none(uint64_t ends, uint64_t grown)
{
	return (double)ends <= ENDS_OF_KEPT * (double)(ends + grown);
}

/* How many of the next n pulls still see those of n cohorts, of which the first was born before
 * pull from: the mean. What a cohort gained was counted in it by its id alone. */
static double last_for(const struct go_sites *s, const go_cohorts cohorts, unsigned int from,
		       unsigned int n)
{
	uint64_t seen = 0, stayed = 0;

	for (unsigned int born = from; born < from + n; born++) {
		seen += cohorts[born][born];
		for (unsigned int age = 1; age <= n; age++)
			stayed += cohorts[born][born] -
				  fell(cohorts[born][born], cohorts[born + age][born]);
	}
	return seen ? (double)stayed / (double)seen : 0;
}

/*
 * A warm-up and a backlog both begin with nothing. But in a queue that gets longer later ones stay
 * longer, and sessions do not, however long they are.
 */
static bool later_ones_last(const struct go_sites *s, const struct go_site *site)
{
	unsigned int last = s->pulls - 1, third = last / 3;

	return (double)site->live[0] > FROM_NOTHING * (double)site->live[last] ||
	       last_for(s, site->by_birth, third + 1, third) >
		       LONGER * last_for(s, site->by_birth, 1, third);
}

/* More come than go, and go on to. */
static bool is_backlog(const struct go_sites *s, const struct go_site *site)
{
	return looks_rise(s->at, site->live, s->pulls, LEAST) &&
	       looks_go_on(s->at, site->live, s->pulls) && later_ones_last(s, site);
}

/* Either next to none of those that outlived a pull ever ends, or they end too slowly for what
 * comes. */
static bool keeps(const struct go_sites *s, const struct go_site *site, uint64_t gone,
		  uint64_t grown)
{
	return rises(s, site->by_birth, site->live) &&
	       (is_next_to_none(gone, grown) || is_backlog(s, site));
}

/* One go statement may start all that a program has to do, as errgroup's does: what passes there
 * does not excuse those that wait and are never freed. */
static bool keeps_waiting(const struct go_sites *s, const struct go_site *site)
{
	uint64_t live[GO_PULLS];

	for (unsigned int i = 0; i < s->pulls; i++)
		live[i] = count(s, site->waiting, i);
	return rises(s, site->waiting, live) &&
	       is_next_to_none(count_freed(s, site), count_grown(s, site->waiting));
}

static bool piles_up(const struct go_sites *s, const struct go_site *site)
{
	unsigned int last = s->pulls - 1, third = looks_at(s->at, s->pulls, 2. / 3);
	double rise = (double)site->live[last] - (double)site->live[0];
	uint64_t least = LEAST + (uint64_t)(CHANCE * sqrt((double)site->live[last]));

	return s->pulls >= PULLS_TO_JUDGE && site->longest > 0 &&
	       ROUNDS * site->longest <= s->at[last] - s->at[0] &&
	       looks_rise(s->at, site->live, s->pulls, least) &&
	       (double)site->live[last] - (double)site->live[third] >= LATE_PART * rise;
}

static enum site_verdict judge(const struct go_sites *s, const struct go_site *site)
{
	uint64_t gone, grown;

	if (s->pulls < PULLS_TO_JUDGE)
		return SITE_UNDECIDED;
	gone = count_gone(s, site->by_birth, true);
	grown = count_grown(s, site->by_birth);
	if (keeps(s, site, gone, grown) || keeps_waiting(s, site))
		return SITE_KEEPS;
	if (gone >= LEAST && gone > grown)
		return SITE_RETURNS;
	if (count_gone(s, site->by_birth, false) >= LEAST && grown < LEAST)
		return SITE_RETURNS;
	return SITE_UNDECIDED;
}

void go_sites_judge(const struct go_sites *s, const struct go_site *site, struct go_judgement *ret)
{
	unsigned int last = s->pulls - 1;

	*ret = (struct go_judgement){ .growth_per_hour = NAN };
	if (!s->pulls)
		return;
	ret->live = site->live[last];
	ret->ended = count_gone(s, site->by_birth, true);
	ret->freed = count_freed(s, site);
	ret->destroyed = count_gone(s, site->by_birth, false) * (s->sampled ? s->sampled : 1);
	if (ret->live + ret->destroyed > site->live[0])
		ret->created = ret->live + ret->destroyed - site->live[0];
	ret->verdict = judge(s, site);
	ret->piles_up = piles_up(s, site);
	if (last && s->at[last] > 0)
		ret->growth_per_hour =
			((double)site->live[last] - (double)site->live[0]) / s->at[last] * 3600;
}
