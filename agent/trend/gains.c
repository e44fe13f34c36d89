// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <string.h>

#include "agent/trend/gains.h"
#include "agent/trend/slope.h"

#define QUANTUM	       0.3 /* scatter that whole numbers have at least */
#define MEMORY	       6   /* windows in which one event may go on */
#define LEAST_VARIANCE 0.2 /* of a variance, that is left when what follows takes it back */
#define BEGINS	       0.1 /* of a gain */
#define ENDS	       0.95

unsigned int gains_all(const float *y, unsigned int n, unsigned int block, double v[GAINS_MAX])
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

struct gains gains_last(const double *all, unsigned int n_all, unsigned int n, unsigned int block)
{
	struct gains g = { .v = all + n_all - n, .n = n, .block = block };

	for (unsigned int i = 0; i < n; i++)
		g.sum += g.v[i];
	g.mean = g.sum / n;
	return g;
}

/* Keep the two largest of what is shown. */
static void keep_two(double v, double largest[2])
{
	if (v > largest[0]) {
		largest[1] = largest[0];
		largest[0] = v;
	} else if (v > largest[1]) {
		largest[1] = v;
	}
}

double gains_without_two(const struct gains *g)
{
	double largest[2] = { 0 };

	for (unsigned int i = 0; i < g->n; i++)
		keep_two(g->v[i], largest);
	return (g->sum - largest[0] - largest[1]) / g->sum;
}

double gains_part(const struct gains *g, unsigned int begin, unsigned int n)
{
	double sum = 0;

	for (unsigned int i = begin; i < begin + n; i++)
		sum += g->v[i];
	return sum / n / g->mean;
}

double gains_without_steps(const float *y, unsigned int begin, unsigned int end, unsigned int over)
{
	double up[2] = { 0 }, down[2] = { 0 };

	for (unsigned int i = end - 1; i + 1 >= begin + over; i -= over) {
		keep_two(y[i] - y[i - over], up);
		keep_two(y[i - over] - y[i], down);
	}
	return y[end - 1] - y[begin - 1] - up[0] - up[1] + down[0] + down[1];
}

static double product_at(const double *off, unsigned int n, unsigned int lag)
{
	double sum = 0;

	for (unsigned int i = lag; i < n; i++)
		sum += off[i] * off[i - lag];
	return sum;
}

/* The squares, and what goes on for some steps: twice each product, less the further away. */
static double long_squares(const double *off, unsigned int n, unsigned int steps)
{
	double squares = product_at(off, n, 0), sum = squares;

	for (unsigned int lag = 1; lag <= steps && lag < n; lag++)
		sum += 2 * product_at(off, n, lag) * (steps + 1 - lag) / (steps + 1);
	return fmax(sum, LEAST_VARIANCE * squares);
}

struct gains_line gains_fit(const struct gains *g)
{
	double middle = (g->n - 1) / 2.0, sxx = 0, sxy = 0, off[GAINS_MAX];
	struct gains_line line;

	for (unsigned int i = 0; i < g->n; i++) {
		sxx += (i - middle) * (i - middle);
		sxy += (i - middle) * (g->v[i] - g->mean);
	}
	line.slope = sxy / sxx;
	for (unsigned int i = 0; i < g->n; i++)
		off[i] = g->v[i] - g->mean - line.slope * (i - middle);
	line.scatter =
		sqrt(long_squares(off, g->n, MEMORY / g->block) / (g->n - 2) + QUANTUM * QUANTUM);
	line.slope_error = line.scatter / sqrt(sxx);
	return line;
}

unsigned int gains_width(const float *y, unsigned int n, const struct gains *g)
{
	const unsigned int begin = n - (g->n + 1) * g->block;
	double low = slope_lowest(y + begin, g->block);
	float least = INFINITY;
	unsigned int last = n;

	for (unsigned int i = n; i-- > begin;) {
		least = fminf(least, y[i]);
		if (least >= low + ENDS * g->sum)
			last = i;
		else if (least <= low + BEGINS * g->sum)
			return last - i;
	}
	return last - begin;
}
