// SPDX-License-Identifier: GPL-2.0-only
/* From the lives of a site's objects to its verdict. */
#include <math.h>

#include "agent/base/cleanup.h"
#include "agent/sites/sites.h"

#define LIVE_LEAST   6	  /* objects that live, below which nothing is said to be kept */
#define OLD_LEAST    2	  /* of them from the first half */
#define OLD_KEPT     0.9  /* share of the first half's that the last quarter must leave alone */
#define NOT_SLOWING  0.5  /* the last rise of the lows, as a share of the mean of the two before */
#define GOES_ON	     0.25 /* what came after the last low, as a share of the same mean */
#define KIND_GROWS   0.5  /* growth of the whole kind, as a share of what the site keeps */
#define GIVES_BACK   0.8
#define OLD_GIVEN    0.1 /* share of the first half's that may be left where a site gives back */
#define SECONDS_HOUR 3600

static bool lives_at(const struct site_life *l, double t)
{
	return l->born <= t && l->died > t;
}

static double live_at(const struct site *site, double t)
{
	double live = 0;

	for (size_t i = 0; i < site->n_lives; i++)
		if (lives_at(&site->lives[i], t))
			live += site->lives[i].weight;
	return live;
}

struct change {
	double time;
	double step;
};

static int compare_changes(const void *left, const void *right)
{
	const struct change *a = left, *b = right;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return (a->step < b->step) - (a->step > b->step); /* a birth before a death */
}

static struct change *changes_of(const struct site *site, double start, double end, size_t *ret_n)
{
	struct change *changes = calloc(2 * site->n_lives + 1, sizeof(*changes));
	size_t n = 0;

	if (!changes)
		return NULL;
	for (size_t i = 0; i < site->n_lives; i++) {
		const struct site_life *l = &site->lives[i];

		if (l->born > start && l->born <= end)
			changes[n++] = (struct change){ l->born, l->weight };
		if (l->died > start && l->died <= end)
			changes[n++] = (struct change){ l->died, -(double)l->weight };
	}
	qsort(changes, n, sizeof(*changes), compare_changes);
	*ret_n = n;
	return changes;
}

/* The lowest live count of each part of the watch. */
static void find_lows(const struct site *site, double start, double end, double lows[SITES_PARTS])
{
	_cleanup_free_ struct change *changes = NULL;
	double live = live_at(site, start), length = (end - start) / SITES_PARTS;
	size_t n = 0, next = 0;

	changes = changes_of(site, start, end, &n);
	for (int part = 0; part < SITES_PARTS; part++) {
		lows[part] = live;
		for (; changes && next < n && changes[next].time < start + (part + 1) * length;
		     next++) {
			live += changes[next].step;
			lows[part] = fmin(lows[part], live);
		}
	}
}

static void count(const struct site *site, double end, struct site_report *r)
{
	r->oldest = NAN;
	r->sampled = 1;
	for (size_t i = 0; i < site->n_lives; i++) {
		const struct site_life *l = &site->lives[i];
		bool known = isfinite(l->born);

		if (known)
			r->created += l->weight;
		if (l->weight > r->sampled)
			r->sampled = l->weight;
		if (isfinite(l->died)) {
			r->destroyed += l->weight;
			continue;
		}
		r->live += l->weight;
		r->live_bytes += l->weight * l->bytes;
		if (known)
			r->oldest = fmax(isnan(r->oldest) ? 0 : r->oldest, end - l->born);
	}
}

/* What became of the objects born in the first half. */
struct cohort {
	size_t born, late, left; /* in the first half; alive at three quarters; alive at the end */
};

static struct cohort first_half(const struct site *site, double start, double end)
{
	double middle = (start + end) / 2, late = start + (end - start) * 3 / 4;
	struct cohort c = { 0 };

	for (size_t i = 0; i < site->n_lives; i++) {
		const struct site_life *l = &site->lives[i];

		if (!isfinite(l->born) || l->born > middle)
			continue;
		c.born++;
		if (lives_at(l, late)) {
			c.late++;
			c.left += lives_at(l, end);
		}
	}
	return c;
}

/* How much more of this kind the process holds than when the watch began, all sites together. */
static double kind_growth(const struct sites *s, enum seep_slot slot, double start, double end)
{
	double growth = 0;

	for (const struct site *site = sites_first(s); site; site = site->next)
		if (site->slot == slot)
			growth += live_at(site, end) - live_at(site, start);
	return growth;
}

/*
 * Where one in k is followed, a rise is a sum of weights k: its variance is k times itself, of
 * which one part is the program's own. Two standard deviations are not held against the site.
 */
static bool rises(const double lows[SITES_PARTS], double live, uint32_t sampled)
{
	double before = (lows[2] - lows[0]) / 2, chance = 2 * sqrt((sampled - 1) * before);

	for (int part = 1; part < SITES_PARTS; part++)
		if (lows[part] <= lows[part - 1])
			return false;
	/* The low of a quarter lies at its beginning, where nothing goes: of the last one only what
	 * lives at its end can tell that a pool has filled. */
	return lows[3] - lows[2] >= NOT_SLOWING * before - chance && live > lows[3] &&
	       live - lows[3] >= GOES_ON * before - chance;
}

static enum site_verdict verdict_of(const struct sites *s, const struct site *site, double start,
				    double end, const struct site_report *r)
{
	struct cohort old = first_half(site, start, end);

	if (r->created == 0)
		return SITE_UNDECIDED;
	if (r->live >= LIVE_LEAST && rises(r->lows, live_at(site, end), r->sampled) &&
	    old.late >= OLD_LEAST && (double)old.left >= OLD_KEPT * (double)old.late &&
	    kind_growth(s, site->slot, start, end) >= KIND_GROWS * r->lows[SITES_PARTS - 1])
		return SITE_KEEPS;
	if ((double)r->destroyed >= GIVES_BACK * (double)r->created ||
	    (old.born && (double)old.left <= OLD_GIVEN * (double)old.born))
		return SITE_RETURNS;
	return SITE_UNDECIDED;
}

void sites_judge(const struct sites *s, const struct site *site, double start, double end,
		 struct site_report *ret)
{
	struct site_report r = { 0 };

	count(site, end, &r);
	find_lows(site, start, end, r.lows);
	/* The lows of the second and of the last quarter lie half the watch apart. */
	r.growth_per_hour = (r.lows[3] - r.lows[1]) / ((end - start) / 2) * SECONDS_HOUR;
	r.verdict = verdict_of(s, site, start, end, &r);
	*ret = r;
}
