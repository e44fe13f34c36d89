// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/explain/go/sites.h"
#include "agent/explain/looks.h"

#define SITES_MAX      4096
#define LEAST	       3   /* goroutines that a verdict rests on */
#define ENDS_OF_KEPT   0.1 /* of those that became old, so many may end where a site keeps */
#define PULLS_TO_JUDGE 4
#define AGE_PART       0.25 /* of the watch: what is older is old */
#define CAME_LEAST     10   /* that came during it, before their times say anything */
#define LATE_PART      0.1  /* of them, in its last third: less is a pool that has filled */

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

static void add_group(struct go_sites *s, struct go_site *site, const struct go_group *g)
{
	site->live[s->pulls] += g->count;
	site->leaked += g->leaked;
	site->stack_bytes += g->stack_bytes;
	for (unsigned int i = 0; i <= s->pulls; i++)
		site->by_birth[s->pulls][i] += g->by_age[i];
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
		add_group(s, site, &r->groups[i]);
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
static uint64_t count_gone(const struct go_sites *s, const struct go_site *site, bool settled)
{
	unsigned int last = s->pulls - 1;
	uint64_t n = 0;

	for (unsigned int born = 0; born + settled <= last; born++)
		n += fell(site->by_birth[born + settled][born], site->by_birth[last][born]);
	return n;
}

/* How many at a pull are older than a quarter of the watch. */
static uint64_t count_old(const struct go_sites *s, const struct go_site *site, unsigned int pull)
{
	double age = AGE_PART * (s->at[s->pulls - 1] - s->at[0]);
	uint64_t n = 0;

	for (unsigned int born = 0; born < pull && s->at[pull] - s->at[born] >= age; born++)
		n += site->by_birth[pull][born];
	return n;
}

/*
 * Of those that came during the watch and live at its end, enough came in its last third: by their
 * ids, or by the count, since many processors hand out old ids for long.
 */
static bool goes_on(const struct go_sites *s, const struct go_site *site)
{
	unsigned int last = s->pulls - 1, third = looks_at(s->at, s->pulls, 2. / 3);
	uint64_t came = 0, late = 0, more;

	if (third == last)
		third--;
	for (unsigned int born = 1; born <= last; born++) {
		came += site->by_birth[last][born];
		late += born > third ? site->by_birth[last][born] : 0;
	}
	more = fell(site->live[last], site->live[third]);
	return came < CAME_LEAST || fmax((double)late, (double)more) >= LATE_PART * (double)came;
}

/*
 * A site that keeps has more and more old ones, in both halves of the watch, and gets new ones to
 * its end: neither load nor a pool that fills does that. Either next to none of those that outlived
 * a pull ever ends, or they end too slowly for what comes: a backlog.
 */
static enum site_verdict judge(const struct go_sites *s, const struct go_site *site)
{
	unsigned int last = s->pulls - 1, middle = looks_at(s->at, s->pulls, (1 + AGE_PART) / 2);
	uint64_t first, half, end, gone, grown;

	if (s->pulls < PULLS_TO_JUDGE)
		return SITE_UNDECIDED;
	first = count_old(s, site, looks_at(s->at, s->pulls, AGE_PART));
	half = count_old(s, site, middle < last ? middle : last - 1);
	end = count_old(s, site, last);
	gone = count_gone(s, site, true);
	grown = end > first ? end - first : 0;
	if (grown >= LEAST && half > first && end > half && goes_on(s, site) &&
	    ((double)gone <= ENDS_OF_KEPT * (double)(gone + grown) ||
	     looks_rise(s->at, site->live, s->pulls, LEAST)))
		return SITE_KEEPS;
	if (gone >= LEAST && gone > grown)
		return SITE_RETURNS;
	if (count_gone(s, site, false) >= LEAST && grown < LEAST)
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
	ret->ended = count_gone(s, site, true);
	ret->destroyed = count_gone(s, site, false) * (s->sampled ? s->sampled : 1);
	if (ret->live + ret->destroyed > site->live[0])
		ret->created = ret->live + ret->destroyed - site->live[0];
	ret->verdict = judge(s, site);
	if (last && s->at[last] > 0)
		ret->growth_per_hour =
			((double)site->live[last] - (double)site->live[0]) / s->at[last] * 3600;
}
