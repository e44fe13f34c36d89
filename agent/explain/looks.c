// SPDX-License-Identifier: GPL-2.0-only
#include "agent/explain/looks.h"

#define HALF_PART 0.1
#define SLOW_PART 0.5

unsigned int looks_at(const double *at, unsigned int n, double part)
{
	unsigned int i = 0;

	while (i + 1 < n && at[i] - at[0] < part * (at[n - 1] - at[0]))
		i++;
	return i;
}

static uint64_t fewest(const uint64_t *values, unsigned int from, unsigned int to)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int i = from; i < to; i++)
		least = values[i] < least ? values[i] : least;
	return least;
}

bool looks_rise(const double *at, const uint64_t *values, unsigned int n, uint64_t least)
{
	unsigned int first = looks_at(at, n, 1. / 3);
	uint64_t most = 0, end = fewest(values, looks_at(at, n, 2. / 3), n);

	for (unsigned int i = 0; i < first; i++)
		most = values[i] > most ? values[i] : most;
	return end > most && end - most >= least;
}

bool looks_floor_rises(const double *at, const uint64_t *values, unsigned int n)
{
	return fewest(values, looks_at(at, n, 2. / 3), n) >
	       fewest(values, 0, looks_at(at, n, 1. / 3) + 1);
}

bool looks_grow_in_both_halves(const double *at, const uint64_t *values, unsigned int n)
{
	double first = (double)values[0], last = (double)values[n - 1];
	double middle = (double)values[looks_at(at, n, 0.5)], least = HALF_PART * (last - first);

	return last > first && middle - first >= least && last - middle >= least;
}

/* Of the straight line that fits the looks first to last best, per second. */
static double slope(const double *at, const uint64_t *values, unsigned int first, unsigned int last)
{
	double n = last - first + 1, x = 0, y = 0, up = 0, down = 0;

	for (unsigned int i = first; i <= last; i++) {
		x += at[i] / n;
		y += (double)values[i] / n;
	}
	for (unsigned int i = first; i <= last; i++) {
		up += (at[i] - x) * ((double)values[i] - y);
		down += (at[i] - x) * (at[i] - x);
	}
	return down > 0 ? up / down : 0;
}

bool looks_go_on(const double *at, const uint64_t *values, unsigned int n)
{
	unsigned int middle = looks_at(at, n, 0.5);
	double late = slope(at, values, middle, n - 1);

	return late > 0 && late >= SLOW_PART * slope(at, values, 0, middle);
}
