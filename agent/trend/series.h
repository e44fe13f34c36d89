/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The trend of one live count: a bounded memory of the recent past, from which come the rate and
 * the verdict. Knows numbers and times only.
 *
 * The rule is plain: each window of --trend.window is kept as eight parts, each with its lowest
 * value, since the lowest value of a part is what load and garbage cannot hide. The rate is the
 * Theil-Sen slope (Sen 1968) of the lows of the last whole window. `growing` needs the lowest value
 * of each of the last three windows to be above the one before, by more than noise (Mann-Kendall over
 * the lows), the last gain no less than half the one before, and the newest part at the top.
 */
#pragma once

#include <stdint.h>

enum verdict { VERDICT_UNKNOWN, VERDICT_STEADY, VERDICT_WARMING, VERDICT_GROWING, VERDICT_LEAKING, VERDICT_MAX };

const char *verdict_name(enum verdict v);
/* VERDICT_MAX when no verdict has this name. */
enum verdict verdict_find(const char *name);

struct series;

struct trend {
	enum verdict verdict;
	double rate_per_hour; /* NAN until a window has passed */
	double since;	      /* seconds on the caller's clock when the growth began, NAN if none */
};

/* NULL when out of memory. */
struct series *series_new(void);
void series_free(struct series *s);

/* Add the value at a time (seconds, never falling); window in seconds. */
void series_add(struct series *s, double now, double value, double window);

struct trend series_trend(const struct series *s);

/* Seconds until value reaches limit at this trend; NAN when it does not grow or has no limit. */
double trend_eta(const struct trend *t, double used, double limit);
