/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The trend of one live count: a bounded memory of the recent past, from which come the rate and
 * the verdict. Knows numbers and times only.
 *
 * What is kept: the lowest value of each of the last 96 windows of --trend.window (four days of
 * hours), and of each eighth of the last three. The lowest, since load and garbage cannot hide in
 * it. A value that does not move needs none of that and costs SERIES_FLAT_BYTES; its past is known
 * by its length.
 *
 *   steady   does not grow, or not by more than noise
 *   warming  grows, and is younger than three windows or slows down
 *   growing  the lowest value of each of the last three windows is above the one before, by more
 * than noise (Mann-Kendall), the last gain no less than half the one before, the newest at the top
 *   leaking  grows without levelling for more than a day of windows, and the innocent shapes are
 * ruled out: see proof.h, which says by what methods
 *
 * The rate is the Theil-Sen slope of the lows of the last whole window, for a leak the mean gain
 * over the span of its proof.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/trend/evidence.h"
#include "agent/trend/verdict.h"

enum {
	SERIES_FLAT_BYTES = 64,
	SERIES_MOVED_BYTES = 2048
}; /* at most, each; held by a static_assert */

struct series;

/*
 * restarts: what is counted survives a restart (a group, a recording), so that a sudden loss of all
 * that was gained is read as one; in a process it is not. NULL when out of memory.
 */
struct series *series_new(bool restarts);
void series_free(struct series *s);

/*
 * Add the value at a time (seconds, never falling); window in seconds. What was missed, a gap of up
 * to a day of windows, is taken as a straight line; a longer one starts anew. Out of memory, a
 * value that moves is taken as flat: the past is forgotten, nothing is said.
 */
void series_add(struct series *s, double now, double value, double window);

/* As of the value that was added last. */
struct trend series_trend(const struct series *s);
struct evidence series_evidence(const struct series *s);

/*
 * For whoever saves series: a number of theirs that it carries, 0 at first, and the value that was
 * added since it was last taken, as the series sees it (a float); NAN when none was.
 */
uint32_t series_number(const struct series *s);
void series_set_number(struct series *s, uint32_t number);
float series_take_added(struct series *s);

#define SERIES_SAVED_MAX 1024 /* bytes */

/* Bytes for this machine alone; the layout tells whether another build can read them. Returns how
 * many; dst holds SERIES_SAVED_MAX. The number is not among them. */
uint32_t series_layout(void);
size_t series_save(const struct series *s, uint8_t *dst);
/* 0 and the series that was saved, and how many bytes it took; -EBADMSG for what no series is. */
int series_load(const uint8_t *src, size_t size, struct series **ret, size_t *ret_used);
