// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/trend/series.h"

#define PARTS	8 /* of a window */
#define WINDOWS 3 /* that must rise one after the other */
#define KEPT	(PARTS * WINDOWS)

/* What the lows of three windows must have gained at least: in units, and of the value itself; and
 * how sure the rise must be (one chance in 2000 for values without a trend). */
#define LEAST_GAIN    3
#define LEAST_SHARE   0.002
#define LEAST_DEVIATE 3.3

struct series {
	float lows[KEPT]; /* lowest value of each part, oldest first */
	unsigned int n;	  /* parts that are complete */
	float low;	  /* of the part at hand */
	double part_begin, first;
	struct trend trend;
};

static const char *const names[VERDICT_MAX] = { "unknown", "steady", "warming", "growing", "leaking" };

const char *verdict_name(enum verdict v)
{
	return names[v];
}

enum verdict verdict_find(const char *name)
{
	for (enum verdict v = 0; v < VERDICT_MAX; v++)
		if (strcmp(names[v], name) == 0)
			return v;
	return VERDICT_MAX;
}

struct series *series_new(void)
{
	struct series *s = calloc(1, sizeof(*s));

	if (s)
		s->trend = (struct trend){ VERDICT_UNKNOWN, NAN, NAN };
	return s;
}

void series_free(struct series *s)
{
	free(s);
}

static int compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Theil-Sen: the median of the slopes of all pairs, in units a part. */
static double median_slope(const float *v, unsigned int n)
{
	float slopes[PARTS * (PARTS - 1) / 2];
	size_t k = 0;

	for (unsigned int i = 0; i < n; i++)
		for (unsigned int j = i + 1; j < n; j++)
			slopes[k++] = (v[j] - v[i]) / (float)(j - i);
	qsort(slopes, k, sizeof(*slopes), compare_floats);
	return k % 2 ? slopes[k / 2] : (slopes[k / 2 - 1] + slopes[k / 2]) / 2;
}

static float lowest(const float *v, unsigned int n)
{
	float low = v[0];

	for (unsigned int i = 1; i < n; i++)
		low = fminf(low, v[i]);
	return low;
}

/* Mann-Kendall (Mann 1945): the normal deviate of "later is higher" over all pairs, ties left out of
 * the variance, which makes it smaller than it is: the cautious side. */
static double kendall_deviate(const float *v, unsigned int n)
{
	double score = 0, variance = n * (n - 1.0) * (2.0 * n + 5) / 18;

	for (unsigned int i = 0; i < n; i++)
		for (unsigned int j = i + 1; j < n; j++)
			score += (v[j] > v[i]) - (v[j] < v[i]);
	return (score - 1) / sqrt(variance);
}

/* Whether the lowest value of each window is above that of the one before, without slowing, by more
 * than noise, and still at the end: what levelled off within the last window does not count. */
static bool rises(const struct series *s)
{
	const float *last = s->lows + KEPT - PARTS;
	float low[WINDOWS];

	if (s->n < KEPT)
		return false;
	for (unsigned int w = 0; w < WINDOWS; w++)
		low[w] = lowest(s->lows + w * PARTS, PARTS);
	if (low[1] <= low[0] || low[2] <= low[1] || low[2] - low[1] < (low[1] - low[0]) / 2)
		return false;
	if (low[2] - low[0] < LEAST_GAIN || low[2] - low[0] < LEAST_SHARE * low[2])
		return false;
	return last[PARTS - 1] > last[PARTS / 2] && last[PARTS / 2] > last[0] &&
	       kendall_deviate(s->lows, KEPT) >= LEAST_DEVIATE;
}

static void judge(struct series *s, double window, double part_end)
{
	struct trend *t = &s->trend;

	if (s->n < PARTS)
		return;
	t->rate_per_hour = median_slope(s->lows + KEPT - PARTS, PARTS) * PARTS / window * 3600;
	if (!rises(s)) {
		t->verdict = s->n < KEPT && t->rate_per_hour > 0 ? VERDICT_WARMING : VERDICT_STEADY;
		t->since = NAN;
	} else if (t->verdict != VERDICT_GROWING) {
		t->verdict = VERDICT_GROWING;
		t->since = part_end - WINDOWS * window;
	}
}

static void close_part(struct series *s, double window)
{
	memmove(s->lows, s->lows + 1, (KEPT - 1) * sizeof(*s->lows));
	s->lows[KEPT - 1] = s->low;
	if (s->n < KEPT)
		s->n++;
	s->part_begin += window / PARTS;
	judge(s, window, s->part_begin);
}

void series_add(struct series *s, double now, double value, double window)
{
	if (!s->first) {
		s->first = s->part_begin = now;
		s->low = (float)value;
	}
	/* A gap longer than all that is kept leaves nothing to compare with. */
	if (now - s->part_begin > WINDOWS * window) {
		*s = (struct series){ .first = now, .part_begin = now, .low = (float)value,
				      .trend = { VERDICT_UNKNOWN, NAN, NAN } };
	}
	while (now - s->part_begin >= window / PARTS) {
		close_part(s, window);
		s->low = (float)value;
	}
	s->low = fminf(s->low, (float)value);
}

struct trend series_trend(const struct series *s)
{
	return s->trend;
}

double trend_eta(const struct trend *t, double used, double limit)
{
	if (!(t->rate_per_hour > 0) || t->verdict < VERDICT_WARMING)
		return NAN;
	return used >= limit ? 0 : (limit - used) / t->rate_per_hour * 3600;
}
