/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was counted at looks over one watch. Looks come late on a busy host, so only their times say
 * how far apart they are: at[0..n) ascends, in seconds, and n is not 0.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The first look that is not before a part (0 to 1) of the time from the first to the last. */
unsigned int looks_at(const double *at, unsigned int n, double part);

/* Whatever the values were in the first third of the time, by so much more they were at least, all
 * through the last. */
bool looks_rise(const double *at, const uint64_t *values, unsigned int n, uint64_t least);

/* The least of the last third is more than the least of the first: what is left when no work is at
 * hand becomes more. */
bool looks_floor_rises(const double *at, const uint64_t *values, unsigned int n);

/* From the first to the last the value grew, and a tenth of that came in each half of the time, at
 * least: what grows in one alone warms up, or is a burst. */
bool looks_grow_in_both_halves(const double *at, const uint64_t *values, unsigned int n);

/* In the second half of the time it rises at least half as fast as in the first. What takes for a
 * while and then gives back warms up: it rises until the first ones go, and slower from then on. */
bool looks_go_on(const double *at, const uint64_t *values, unsigned int n);
