// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/trend/gains.h"
#include "agent/trend/proof.h"
#include "agent/trend/reset.h"
#include "agent/trend/slope.h"

#define LEAST_SPAN  28 /* windows: a day and some, so that one day's shape is no proof */
#define RESET_SPAN  30 /* with a reset inside */
#define DAYS_SPAN   60 /* compared with the day before */
#define LEAST_GAINS 5
#define LEAST_GAIN  4.0	  /* units over the span */
#define LEAST_SHARE 0.004 /* of the value */
#define QUANTUM	    0.3	  /* scatter that whole numbers have at least */
#define START_UP    6	  /* windows of anyone's warm-up */
#define STEP	    3	  /* windows that a step may take */
#define RECENT	    8	  /* windows before the last */

/* Windows that the better part of a gain took: of what idled before, a day and some as well. Up to
 * SHORT all that is known is hardly longer than the span. */
#define LEAST_WIDTH 22
#define SHORT_WIDTH 19
#define SHORT	    32

/* Shares of a mean gain. */
#define FIRST_THIRD 0.2	 /* what the first third needs: it did not just begin */
#define LAST_THIRD  0.6	 /* the last third: it does not end */
#define LATER_HALF  0.7	 /* the second half, by the first */
#define HISTORY	    0.6	 /* the same over all that is known */
#define DECLINE	    0.6	 /* the last fitted gain, by the first: less is concave … */
#define SURE	    0.5	 /* … with so many standard errors against us */
#define WITHOUT_TWO 0.25 /* what is left without the two largest gains … */
#define EACH_DAY    0.4	 /* … of each day */
#define LAST_SIX    0.3	 /* the last windows */
#define LAST_ONE    0.4	 /* the last window and the last two, by those before … */
#define CHANCE	    2	 /* … or with so many standard deviations against us */
#define LAST_DAY    0.75 /* the last day, by those before */
#define DAYS_BEFORE 0.3	 /* those before, by the last */
#define EACH_HOUR   0.4	 /* each three windows against the day before */

/* Student's t that one in two thousand exceeds, by degrees of freedom. */
static double student(unsigned int df)
{
	static const float t[] = { 636.6f, 31.6f, 12.92f, 8.61f, 6.87f, 5.96f, 5.41f, 5.04f,
				   4.78f,  4.59f, 4.44f,  4.32f, 4.22f, 4.14f, 4.07f, 4.01f,
				   3.97f,  3.92f, 3.88f,  3.85f, 3.82f, 3.79f };

	return t[df < ARRAY_SIZE(t) ? df - 1 : ARRAY_SIZE(t) - 1];
}

/* It grew in the first third as well, and no less in the last, and in the second half. */
static bool is_even(const struct gains *g)
{
	unsigned int third = (g->n + 2) / 3, half = g->n / 2;

	return gains_part(g, 0, third) >= FIRST_THIRD &&
	       gains_part(g, g->n - third, third) >= LAST_THIRD &&
	       gains_part(g, g->n - half, half) >= LATER_HALF * gains_part(g, 0, half);
}

/* Gains that decline for sure, towards an end that is not far. */
static bool is_concave(const struct gains *g, const struct gains_line *line)
{
	double half = (g->n - 1) / 2.0 * (line->slope - SURE * line->slope_error);

	return g->mean + half < DECLINE * (g->mean - half);
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

/* Whether the last k gains are like those before them: what goes on does not stop at once. */
static bool goes_on(const float *y, unsigned int n, unsigned int k)
{
	const float *before = y + n - 1 - k - RECENT;
	double mean = (before[RECENT] - before[0]) / RECENT, squares = 0;

	for (unsigned int i = 0; i < RECENT; i++) {
		double off = before[i + 1] - before[i] - mean;

		squares += off * off;
	}
	return y[n - 1] - y[n - 1 - k] >=
	       LAST_ONE * k * mean - CHANCE * sqrt(k * squares / (RECENT - 1));
}

/* The cheap questions first: most series fail at one of them. */
static bool proves_by_blocks(const float *y, unsigned int n, const struct gains *g)
{
	struct gains_line line;

	if (g->n < LEAST_GAINS || !is_enough(g, y, n) || !takes_part(y, n, g->mean / g->block) ||
	    !is_even(g) || gains_without_two(g) < WITHOUT_TWO ||
	    gains_width(y, n, g) < (n <= SHORT ? SHORT_WIDTH : LEAST_WIDTH))
		return false;
	line = gains_fit(g);
	return !is_concave(g, &line) && g->mean * sqrt(g->n) > student(g->n - 2) * line.scatter;
}

/* The gains of whole days: the last against those before, and those against the last. */
static bool day_holds(const struct gains *g, unsigned int per_day)
{
	double last = 0, before;

	for (unsigned int i = g->n - per_day; i < g->n; i++)
		last += g->v[i];
	before = (g->sum - last) / ((double)g->n / per_day - 1);
	return last >= LAST_DAY * before && before >= DAYS_BEFORE * last;
}

/* A step at the same hour of each day is a timetable, not a leak. */
static bool grows_without_steps(const float *y, unsigned int n, const struct gains *g)
{
	double sum = 0;

	for (unsigned int end = n; end + g->n * g->block >= n + PROOF_DAY; end -= PROOF_DAY)
		sum += gains_without_steps(y, end - PROOF_DAY, end, STEP);
	return sum >= EACH_DAY * g->sum;
}

/* Each three windows against the same three of the day before, all over the span. */
static bool above_yesterday(const float *y, unsigned int n, const struct gains *g)
{
	unsigned int begin = n - (g->n + 1) * g->block + PROOF_DAY;

	for (unsigned int i = n; i >= begin + 3; i -= 3)
		if (slope_lowest(y + i - 3, 3) - slope_lowest(y + i - 3 - PROOF_DAY, 3) <
		    EACH_HOUR * PROOF_DAY * g->mean / g->block)
			return false;
	return true;
}

static bool proves_by_days(const float *y, unsigned int n, const struct gains *g)
{
	unsigned int per_day = PROOF_DAY / g->block, pairs = g->n - per_day;
	double squares = 0;

	if (!is_enough(g, y, n) || !day_holds(g, per_day) || !grows_without_steps(y, n, g) ||
	    !above_yesterday(y, n, g))
		return false;
	for (unsigned int i = per_day; i < g->n; i++)
		squares += (g->v[i] - g->v[i - per_day]) * (g->v[i] - g->v[i - per_day]);
	return g->mean * sqrt(g->n) >
	       student(pairs) * sqrt(squares / 2 / pairs + QUANTUM * QUANTUM);
}

static void tell(const struct gains *g, enum proof_kind kind, struct evidence *ret,
		 double *ret_rate)
{
	ret->proof = (uint8_t)kind;
	ret->block = (uint8_t)g->block;
	ret->span = (uint16_t)((g->n + 1) * g->block);
	*ret_rate = g->mean / g->block;
	ret->rate_error = (float)(2 * gains_fit(g).scatter / sqrt(g->n) / g->block);
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
	first = gains_without_steps(y, n - 2 * half, n - half, 1);
	second = gains_without_steps(y, n - half, n, 1);
	return first > 0 && second < HISTORY * first;
}

static const unsigned int blocks[] = { 2, 4, 6, 8, 12 };

static bool try_blocks(const float *y, unsigned int n, unsigned int least, struct evidence *ret,
		       double *ret_rate)
{
	double all[GAINS_MAX];

	if (!goes_on(y, n, 1) || !goes_on(y, n, 2))
		return false;
	for (size_t b = 0; b < ARRAY_SIZE(blocks); b++) {
		unsigned int n_all = gains_all(y, n, blocks[b], all);

		for (unsigned int k = (least - 1) / blocks[b]; k <= n_all; k++) {
			struct gains g = gains_last(all, n_all, k, blocks[b]);

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
	double all[GAINS_MAX];

	for (size_t b = 1; b < ARRAY_SIZE(blocks); b++) {
		unsigned int n_all = gains_all(y, n, blocks[b], all);

		for (unsigned int k = DAYS_SPAN / blocks[b]; k <= n_all; k++) {
			struct gains g = gains_last(all, n_all, k, blocks[b]);

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
