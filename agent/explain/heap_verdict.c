// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <string.h>

#include "agent/explain/heap_verdict.h"

#define CAUGHT_RETURNS 0.3 /* of the catches that were due */
#define CAUGHT_KEEPS   0.1
#define QUARTER_MAX    0.8   /* of what lives: more is a burst, not a habit */
#define WORK_MIN       0.2   /* less of a window, and the share says nothing */
#define GROWTH_MIN     65536 /* bytes: less drowns in pages */
#define EXACT_MIN      8     /* blocks that say something */
#define FADED	       0.8   /* of the first quarter stay so many for each of the second, or more */
#define DEVIATIONS     2     /* standard ones, beyond which a difference is no chance */

static double caught(const struct heap_site *s)
{
	return (double)(s->sums.destroyed - s->sums.transient + s->sums.reused);
}

/* Survivors that a later window could catch. */
static double exposed(const struct heap_site *s)
{
	return (double)s->old + caught(s);
}

/* How likely a survivor that was given back is caught, by the sites that do give back. */
static double catch_rate(const struct heap_watch *watch, const struct heap_site *sites, size_t n)
{
	double all = 0, hits = 0, rate;

	for (size_t i = 0; i < n; i++) {
		if (caught(&sites[i]) < 2)
			continue;
		all += exposed(&sites[i]);
		hits += caught(&sites[i]);
	}
	rate = all > 0 ? hits / all : 0;
	return rate > watch->share ? rate : watch->share;
}

static uint64_t aged(const struct heap_site *s)
{
	return s->born[0] + s->born[1] + s->born[2];
}

static bool is_steady(const struct heap_watch *watch, const struct heap_site *s)
{
	for (int i = 0; i < 3; i++)
		if ((double)s->born[i] > QUARTER_MAX * (double)aged(s) ||
		    (s->born[i] == 0 && !(watch->blind[i] && s->born[3])))
			return false;
	return true;
}

static enum site_verdict judge_windows(const struct heap_watch *watch, const struct heap_site *s,
				       double rate)
{
	double due = exposed(s) * rate;

	if (caught(s) >= 2 && caught(s) >= CAUGHT_RETURNS * due)
		return SITE_RETURNS;
	if (due >= HEAP_EXPECTED && caught(s) < CAUGHT_KEEPS * due && is_steady(watch, s))
		return SITE_KEEPS;
	/* Nothing ever outlives its window. */
	if (s->live == 0 && s->sums.transient > 0)
		return SITE_RETURNS;
	return SITE_UNDECIDED;
}

static double judged_in(const struct heap_site *s, int quarter)
{
	return (double)(s->stayed[quarter] + s->went[quarter]);
}

static double share_that_stayed(const struct heap_site *s, int quarter)
{
	return judged_in(s, quarter) > 0 ? (double)s->stayed[quarter] / judged_in(s, quarter) : 0;
}

/* By how many standard errors more stay of later quarters than of earlier ones, of the first n: the
 * test for trend in proportions of Cochran and Armitage. */
static double trend(const struct heap_site *s, int n)
{
	double stayed = 0, all = 0, sum = 0, squares = 0, score = 0, share, variance;

	for (int i = 0; i < n; i++) {
		stayed += (double)s->stayed[i];
		all += judged_in(s, i);
		sum += i * judged_in(s, i);
		squares += i * i * judged_in(s, i);
		score += i * (double)s->stayed[i];
	}
	share = all > 0 ? stayed / all : 0;
	variance = all > 0 ? share * (1 - share) * (squares - sum * sum / all) : 0;
	return variance > 0 ? (score - share * sum) / sqrt(variance) : 0;
}

/*
 * What is kept stays, and is at no age less than before. Of sessions fewer are left the longer ago
 * they began; the two oldest quarters are those in which no short life disturbs that. Where they
 * differ by more than chance, lives come to an end, and the watch is not much longer than they are.
 * The third may help to tell where it goes on in the same way.
 */
static bool fades(const struct heap_site *s)
{
	double first = share_that_stayed(s, 0), second = share_that_stayed(s, 1);
	double third = share_that_stayed(s, 2);

	if (judged_in(s, 0) == 0 || first >= FADED * second)
		return false;
	return trend(s, 2) > DEVIATIONS || (second < FADED * third && trend(s, 3) > DEVIATIONS);
}

static enum site_verdict judge_exact(const struct heap_watch *watch, const struct heap_site *s)
{
	if (aged(s) >= EXACT_MIN && is_steady(watch, s) && !fades(s))
		return SITE_KEEPS;
	if (s->sums.destroyed > 0 && aged(s) == 0)
		return SITE_RETURNS;
	/* Most of it went, and what is left is not from all along. */
	if (s->sums.destroyed >= EXACT_MIN && 10 * s->live < s->sums.destroyed)
		return SITE_RETURNS;
	return SITE_UNDECIDED;
}

/* Mappings have no part in the balance: only calls of the allocator are counted there. */
static bool is_block(const struct heap_site *s)
{
	return strcmp(s->kind, "malloc") == 0;
}

struct kept {
	double blocks, bytes; /* bytes of mappings too */
};

static struct kept sum_kept(const struct heap_site *sites, size_t n,
			    const enum site_verdict *verdicts)
{
	struct kept kept = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (verdicts[i] != SITE_KEEPS)
			continue;
		kept.blocks += is_block(&sites[i]) ? (double)sites[i].live : 0;
		kept.bytes += (double)sites[i].live_bytes;
	}
	return kept;
}

static bool balance_denies(const struct heap_watch *watch, const struct kept *kept)
{
	return watch->balance + 2 * watch->balance_error < kept->blocks / 2;
}

static bool growth_denies(const struct heap_watch *watch, const struct kept *kept)
{
	double due = watch->share > 0 ? kept->bytes / watch->share : 0;

	if (watch->exact || watch->work < WORK_MIN || due < GROWTH_MIN)
		return false;
	return watch->grown < due / 10;
}

void heap_judge(const struct heap_watch *watch, const struct heap_site *sites, size_t n,
		enum site_verdict *ret)
{
	double rate = catch_rate(watch, sites, n);
	struct kept kept;
	bool grows;

	for (size_t i = 0; i < n; i++)
		ret[i] = watch->exact || watch->fates ? judge_exact(watch, &sites[i])
						      : judge_windows(watch, &sites[i], rate);
	kept = sum_kept(sites, n, ret);
	grows = !growth_denies(watch, &kept);
	for (size_t i = 0; i < n; i++)
		if (ret[i] == SITE_KEEPS &&
		    (!grows || (is_block(&sites[i]) && balance_denies(watch, &kept))))
			ret[i] = SITE_UNDECIDED;
}
