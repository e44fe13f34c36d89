// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/trend/proof.h"
#include "agent/trend/reset.h"
#include "agent/trend/slope.h"

#define LEAST_SPAN  28 /* windows: a day and some, so that one day's shape is no proof */
#define RESET_SPAN  48 /* with a reset inside */
#define LEAST_GAINS 5
#define START_UP    6	  /* windows of anyone's warm-up */
#define LEAST_GAIN  4.0	  /* units over the span */
#define LEAST_SHARE 0.004 /* of the value */
#define QUANTUM	    0.3	  /* scatter that whole numbers have at least */

/* Shares of a mean gain. */
#define FIRST_THIRD 0.2	 /* what the first third needs: it did not just begin */
#define LAST_THIRD  0.6	 /* the last third: it does not end */
#define LATER_HALF  0.7	 /* the second half, by the first */
#define HISTORY	    0.6	 /* the same over all that is known */
#define DECLINE	    0.6	 /* the last fitted gain, by the first: less is concave … */
#define SURE	    0.5	 /* … with so many standard errors against us */
#define WITHOUT_TWO 0.25 /* what is left without the two largest gains */
#define LAST_SIX    0.3	 /* the last windows */
#define LAST_DAY    0.75 /* the last day, by those before */
#define DAYS_BEFORE 0.3	 /* those before, by the last */

/* Student's t that one in two thousand exceeds, by degrees of freedom. */
static double student(unsigned int df)
{
	static const float t[] = { 636.6f, 31.6f, 12.92f, 8.61f, 6.87f, 5.96f, 5.41f, 5.04f,
				   4.78f,  4.59f, 4.44f,  4.32f, 4.22f, 4.14f, 4.07f, 4.01f,
				   3.97f,  3.92f, 3.88f,  3.85f, 3.82f, 3.79f };

	return t[df < ARRAY_SIZE(t) ? df - 1 : ARRAY_SIZE(t) - 1];
}

/* The gains from block to block, oldest first. */
struct gains {
	const double *v;
	unsigned int n, block;
	double sum, mean;
};

/* All gains of blocks that are counted back from the end, into v; how many. */
static unsigned int gains_of(const float *y, unsigned int n, unsigned int block,
			     double v[PROOF_WINDOWS])
{
	unsigned int count = n / block;
	const float *at = y + n - block * count;
	float before = slope_lowest(at, block);

	for (unsigned int k = 1; k < count; k++) {
		float low = slope_lowest(at + k * block, block);

		v[k - 1] = low - before;
		before = low;
	}
	return count - 1;
}

/* The last n of all these gains. */
static struct gains last_gains(const double *all, unsigned int n_all, unsigned int n,
			       unsigned int block)
{
	struct gains g = { .v = all + n_all - n, .n = n, .block = block };

	for (unsigned int i = 0; i < n; i++)
		g.sum += g.v[i];
	g.mean = g.sum / n;
	return g;
}

/* Keep the two largest of what is shown. */
static void keep_two(float v, float largest[2])
{
	if (v > largest[0]) {
		largest[1] = largest[0];
		largest[0] = v;
	} else if (v > largest[1]) {
		largest[1] = v;
	}
}

/* Without its two largest, what is left of the gain? */
static double without_two(const struct gains *g)
{
	float largest[2] = { 0 };

	for (unsigned int i = 0; i < g->n; i++)
		keep_two((float)g->v[i], largest);
	return (g->sum - largest[0] - largest[1]) / g->sum;
}

/* The mean of n gains from `begin`, of the mean of all. */
static double part_of(const struct gains *g, unsigned int begin, unsigned int n)
{
	double sum = 0;

	for (unsigned int i = begin; i < begin + n; i++)
		sum += g->v[i];
	return sum / n / g->mean;
}

/* It grew in the first third as well, and no less in the last, and in the second half. */
static bool is_even(const struct gains *g)
{
	unsigned int third = (g->n + 2) / 3, half = g->n / 2;

	return part_of(g, 0, third) >= FIRST_THIRD &&
	       part_of(g, g->n - third, third) >= LAST_THIRD &&
	       part_of(g, g->n - half, half) >= LATER_HALF * part_of(g, 0, half);
}

/* What y[begin..end) gained, its two largest steps up and down set aside: steps are no growth. */
static double gain_without_steps(const float *y, unsigned int begin, unsigned int end)
{
	float up[2] = { 0 }, down[2] = { 0 };

	for (unsigned int i = begin + 1; i < end; i++) {
		keep_two(y[i] - y[i - 1], up);
		keep_two(y[i - 1] - y[i], down);
	}
	return y[end - 1] - y[begin] - up[0] - up[1] + down[0] + down[1];
}

/* A line through the gains: its slope, and the scatter about it. */
static void fit(const struct gains *g, double *ret_slope, double *ret_slope_error,
		double *ret_scatter)
{
	double middle = (g->n - 1) / 2.0, sxx = 0, sxy = 0, rest = 0, slope;

	for (unsigned int i = 0; i < g->n; i++) {
		sxx += (i - middle) * (i - middle);
		sxy += (i - middle) * (g->v[i] - g->mean);
	}
	slope = sxy / sxx;
	for (unsigned int i = 0; i < g->n; i++) {
		double off = g->v[i] - g->mean - slope * (i - middle);

		rest += off * off;
	}
	*ret_scatter = sqrt(rest / (g->n - 2) + QUANTUM * QUANTUM);
	*ret_slope_error = *ret_scatter / sqrt(sxx);
	*ret_slope = slope;
}

/* Gains that decline for sure, towards an end that is not far. */
static bool is_concave(const struct gains *g, double slope, double error)
{
	double half = (g->n - 1) / 2.0;

	slope -= SURE * error;
	return g->mean + slope * half < DECLINE * (g->mean - slope * half);
}

static bool is_enough(const struct gains *g, const float *y, unsigned int n)
{
	return g->sum >= LEAST_GAIN && g->sum >= LEAST_SHARE * fabsf(y[n - 1]);
}

/* Whether the last six windows take their part of `rate` (units a window). */
static bool takes_part(const float *y, unsigned int n, double rate)
{
	return slope_lowest(y + n - 3, 3) - slope_lowest(y + n - 9, 3) >= LAST_SIX * 6 * rate &&
	       slope_lowest(y + n - 2, 2) - slope_lowest(y + n - 5, 2) >= LAST_SIX * 3 * rate;
}

static bool proves_by_blocks(const float *y, unsigned int n, const struct gains *g)
{
	double slope, error, scatter;

	if (g->n < LEAST_GAINS || !is_enough(g, y, n) || without_two(g) < WITHOUT_TWO ||
	    !is_even(g) || !takes_part(y, n, g->mean / g->block))
		return false;
	fit(g, &slope, &error, &scatter);
	return !is_concave(g, slope, error) && g->mean * sqrt(g->n) > student(g->n - 2) * scatter;
}

/* The gains of whole days: the last against those before, and those against the last. */
static bool day_holds(const struct gains *g, unsigned int per_day)
{
	double last = 0, before;

	for (unsigned int i = g->n - per_day; i < g->n; i++)
		last += g->v[i];
	before = (g->sum - last) / (g->n / per_day - 1);
	return last >= LAST_DAY * before && before >= DAYS_BEFORE * last;
}

/* A step at the same hour of each day is a timetable, not a leak. */
static bool grows_without_steps(const float *y, unsigned int n, const struct gains *g)
{
	double sum = 0;

	for (unsigned int end = n; end + g->n * g->block >= n + PROOF_DAY; end -= PROOF_DAY)
		sum += gain_without_steps(y, end - PROOF_DAY, end);
	return sum >= WITHOUT_TWO * g->sum;
}

/* Six windows against the same six of the day before. */
static bool above_yesterday(const float *y, unsigned int n, double rate)
{
	return slope_lowest(y + n - 6, 6) - slope_lowest(y + n - 6 - PROOF_DAY, 6) >=
	       PROOF_DAY * rate / 2;
}

static bool proves_by_days(const float *y, unsigned int n, const struct gains *g)
{
	unsigned int per_day = PROOF_DAY / g->block, pairs = g->n - per_day;
	double squares = 0;

	if (!is_enough(g, y, n) || !day_holds(g, per_day) || !grows_without_steps(y, n, g) ||
	    !above_yesterday(y, n, g->mean / g->block))
		return false;
	for (unsigned int i = per_day; i < g->n; i++)
		squares += (g->v[i] - g->v[i - per_day]) * (g->v[i] - g->v[i - per_day]);
	return g->mean * sqrt(g->n) >
	       student(pairs) * sqrt(squares / 2 / pairs + QUANTUM * QUANTUM);
}

static void tell(const struct gains *g, enum proof_kind kind, struct evidence *ret,
		 double *ret_rate)
{
	double slope, error, scatter;

	fit(g, &slope, &error, &scatter);
	ret->proof = (uint8_t)kind;
	ret->block = (uint8_t)g->block;
	ret->span = (uint16_t)((g->n + 1) * g->block);
	*ret_rate = g->mean / g->block;
	ret->rate_error = (float)(2 * scatter / sqrt(g->n) / g->block);
}

/*
 * What grows like a logarithm is straight to any short look and slows down for ever: so all that is
 * known is asked as well, in two halves, without its first hours, which are anyone's warm-up.
 */
static bool slowed_down(const float *y, unsigned int n)
{
	unsigned int half = (n - START_UP) / 2;
	double first, second;

	if (n < 2 * PROOF_DAY)
		return false;
	first = gain_without_steps(y, n - 2 * half, n - half);
	second = gain_without_steps(y, n - half, n);
	return first > 0 && second < HISTORY * first;
}

static const unsigned int blocks[] = { 2, 4, 6, 8, 12 };

static bool try_blocks(const float *y, unsigned int n, unsigned int least, struct evidence *ret,
		       double *ret_rate)
{
	double all[PROOF_WINDOWS];

	for (size_t b = 0; b < ARRAY_SIZE(blocks); b++) {
		unsigned int n_all = gains_of(y, n, blocks[b], all);

		for (unsigned int k = (least - 1) / blocks[b]; k <= n_all; k++) {
			struct gains g = last_gains(all, n_all, k, blocks[b]);

			if (!proves_by_blocks(y, n, &g))
				continue;
			tell(&g, PROOF_BLOCKS, ret, ret_rate);
			return true;
		}
	}
	return false;
}

static bool try_days(const float *y, unsigned int n, struct evidence *ret, double *ret_rate)
{
	double all[PROOF_WINDOWS];

	for (size_t b = 1; b < ARRAY_SIZE(blocks); b++) {
		unsigned int n_all = gains_of(y, n, blocks[b], all), day = PROOF_DAY / blocks[b];

		for (unsigned int k = 2 * day; k <= n_all; k += day) {
			struct gains g = last_gains(all, n_all, k, blocks[b]);

			if (!proves_by_days(y, n, &g))
				continue;
			tell(&g, PROOF_DAYS, ret, ret_rate);
			return true;
		}
	}
	return false;
}

static bool proves(const float *y, unsigned int n, unsigned int least, struct evidence *ret,
		   double *ret_rate)
{
	return !slowed_down(y, n) &&
	       (try_blocks(y, n, least, ret, ret_rate) || try_days(y, n, ret, ret_rate));
}

bool proof_leak(const float *lows, unsigned int n, bool restarts, struct evidence *ret,
		double *ret_rate)
{
	float y[PROOF_WINDOWS];

	if (n < LEAST_SPAN)
		return false;
	memcpy(y, lows, n * sizeof(*y));
	ret->resets = 0;
	if (proves(y, n, LEAST_SPAN, ret, ret_rate))
		return true;
	ret->resets = restarts ? (uint8_t)reset_fold(y, n) : 0;
	return ret->resets && n >= RESET_SPAN && proves(y, n, RESET_SPAN, ret, ret_rate);
}

bool proof_holds(const float *lows, unsigned int n, bool restarts)
{
	float y[PROOF_WINDOWS];

	if (n < PROOF_DAY)
		return false;
	memcpy(y, lows, n * sizeof(*y));
	if (restarts)
		reset_fold(y, n);
	return slope_lowest(y + n - PROOF_DAY / 2, PROOF_DAY / 2) >
	       slope_lowest(y + n - PROOF_DAY, PROOF_DAY / 2);
}

unsigned int proof_since(const float *lows, unsigned int n, bool restarts)
{
	const unsigned int block = PROOF_DAY / 4;
	unsigned int back = block;
	float y[PROOF_WINDOWS];

	memcpy(y, lows, n * sizeof(*y));
	if (restarts)
		reset_fold(y, n);
	while (back + block <= n &&
	       slope_lowest(y + n - back - block, block) < slope_lowest(y + n - back, block))
		back += block;
	return back;
}
