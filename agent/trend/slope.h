/* SPDX-License-Identifier: GPL-2.0-only */
/* Slopes and ranks of a few values at equal distances: no shape of noise is assumed. */
#pragma once

#define SLOPE_POINTS 8 /* most that slope_sen() takes */

/*
 * The median of the slopes of all pairs (Theil 1950, Sen 1968), in units a step; *ret_error is half
 * of its 95 % interval, read from the sorted slopes at the ranks that Kendall's variance gives
 * (Sen 1968; Hollander and Wolfe, "Nonparametric Statistical Methods", 9.3).
 */
double slope_sen(const float *v, unsigned int n, double *ret_error);

/*
 * The normal deviate of "later is higher" over all pairs (Mann 1945, Kendall 1975), ties left out
 * of the variance, which makes it larger than it is: the cautious side.
 */
double slope_kendall(const float *v, unsigned int n);

/* Of n values, one at least. */
float slope_lowest(const float *v, unsigned int n);
