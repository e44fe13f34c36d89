// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdbool.h>

#include "agent/trend/reset.h"

#define STRETCH	    18	 /* windows */
#define LOSS	    0.7f /* of what the stretch had gained */
#define LATER_HALF  0.6f /* of the gain of the first half */
#define FIRST_HALF  0.3f /* of the gain of the later half */
#define EVEN	    1.3f /* most of one stretch's slope to another's: one program leaks at one rate */
#define SLOPE_LEAST 6	 /* windows that tell a slope */

/* Whether it gained to its end, about as much in its second half as in the first. */
static bool still_grew(const float *v, unsigned int n)
{
	float first = v[n / 2] - v[1], second = v[n - 1] - v[n / 2];

	return first > 0 && second >= LATER_HALF * first && first >= FIRST_HALF * second &&
	       v[n - 1] - v[n - 1 - n / 4] > 0.1f * (v[n - 1] - v[1]);
}

static void lift(float *v, unsigned int n, float by)
{
	for (unsigned int i = 0; i < n; i++)
		v[i] += by;
}

/* Teeth: a loss of half of the largest or more, after a stretch that is too short for a restart. */
static bool has_teeth(const float *lows, unsigned int n, float largest)
{
	unsigned int begin = 0;

	for (unsigned int i = 1; i < n; i++) {
		float gained = lows[i - 1] - lows[begin], lost = lows[i - 1] - lows[i];

		if (gained <= 0 || lost < LOSS * gained)
			continue;
		if (lost > largest / 2 && i - begin < STRETCH && begin > 0)
			return true;
		begin = i;
	}
	return false;
}

static float slope(const float *v, unsigned int n)
{
	return (v[n - 1] - v[1]) / (float)(n - 2);
}

/* Whether stretches rise at one rate, the one that goes on now among them. */
static bool is_even(const float *lows, unsigned int n)
{
	float least = INFINITY, most = 0;
	unsigned int begin = 0;

	for (unsigned int i = 1; i <= n; i++) {
		float gained = lows[i - 1] - lows[begin];

		if (i < n && (gained <= 0 || lows[i - 1] - lows[i] < LOSS * gained))
			continue;
		if (i - begin >= SLOPE_LEAST) {
			least = fminf(least, slope(lows + begin, i - begin));
			most = fmaxf(most, slope(lows + begin, i - begin));
		}
		begin = i;
	}
	return most <= EVEN * least;
}

static float largest_loss(const float *lows, unsigned int n)
{
	float largest = 0;

	for (unsigned int i = 1; i < n; i++)
		largest = fmaxf(largest, lows[i - 1] - lows[i]);
	return largest;
}

unsigned int reset_fold(float *lows, unsigned int n)
{
	float largest = largest_loss(lows, n);
	unsigned int begin = 0, resets = 0;

	if (has_teeth(lows, n, largest) || !is_even(lows, n))
		return 0;
	for (unsigned int i = 1; i < n; i++) {
		float gained = lows[i - 1] - lows[begin], lost = lows[i - 1] - lows[i];

		if (gained <= 0 || lost < LOSS * gained)
			continue;
		if (i - begin >= STRETCH && still_grew(lows + begin, i - begin)) {
			lift(lows + i, n - i, lost);
			resets++;
		}
		begin = i;
	}
	return resets;
}
