/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gains of a row of windows' lows (y, oldest first), from the lowest value of one block of
 * windows to that of the next: what the proof of a leak (proof.h) looks at.
 */
#pragma once

#define GAINS_MAX 96 /* windows at most */

struct gains {
	const double *v; /* oldest first, not owned */
	unsigned int n, block;
	double sum, mean;
};

/* All gains of blocks that are counted back from the end, into v; how many. n >= block. */
unsigned int gains_all(const float *y, unsigned int n, unsigned int block, double v[GAINS_MAX]);
/* The last n of all these. */
struct gains gains_last(const double *all, unsigned int n_all, unsigned int n, unsigned int block);

/* The mean of n gains from `begin`, as a share of the mean of all. */
double gains_part(const struct gains *g, unsigned int begin, unsigned int n);
/* The share of the sum that is left without the two largest. */
double gains_without_two(const struct gains *g);

/* A line through the gains. */
struct gains_line {
	double slope; /* units a gain */
	double slope_error;
	double scatter; /* of one gain about the line; over the root of their number it is the
			   standard error of the mean */
};

/* At least 3 gains. Gains that follow from one event count as one (Newey and West 1987). */
struct gains_line gains_fit(const struct gains *g);

/*
 * What was gained from y[begin - 1] to y[end - 1], the two largest steps up and down set aside,
 * each over so many windows: steps are no growth.
 */
double gains_without_steps(const float *y, unsigned int begin, unsigned int end, unsigned int over);

/*
 * How many windows the better part of the gain took, from a tenth to all but a twentieth, of what
 * was never given back: the lowest of all later values. What idled for long and then filled up
 * within a day is young.
 */
unsigned int gains_width(const float *y, unsigned int n, const struct gains *g);
