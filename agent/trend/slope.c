// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>

#include "agent/trend/slope.h"

#define DEVIATE_95 1.96

/* Put v among n sorted values: they are few, and sorted as they come. */
static void insert_sorted(float *sorted, unsigned int n, float v)
{
	while (n && sorted[n - 1] > v) {
		sorted[n] = sorted[n - 1];
		n--;
	}
	sorted[n] = v;
}

static double kendall_variance(double n)
{
	return n * (n - 1) * (2 * n + 5) / 18;
}

double slope_sen(const float *v, unsigned int n, double *ret_error)
{
	float slopes[SLOPE_POINTS * (SLOPE_POINTS - 1) / 2];
	unsigned int k = 0;
	int low, high;

	for (unsigned int i = 0; i < n; i++)
		for (unsigned int j = i + 1; j < n; j++)
			insert_sorted(slopes, k++, (v[j] - v[i]) / (float)(j - i));
	low = (int)((k - DEVIATE_95 * sqrt(kendall_variance(n))) / 2);
	low = low > 0 ? low - 1 : 0;
	high = (int)k - 1 - low;
	*ret_error = (slopes[high] - slopes[low]) / 2;
	return k % 2 ? slopes[k / 2] : (slopes[k / 2 - 1] + slopes[k / 2]) / 2;
}

double slope_kendall(const float *v, unsigned int n)
{
	double score = 0;

	for (unsigned int i = 0; i < n; i++)
		for (unsigned int j = i + 1; j < n; j++)
			score += (v[j] > v[i]) - (v[j] < v[i]);
	return (score - 1) / sqrt(kendall_variance(n));
}

float slope_lowest(const float *v, unsigned int n)
{
	float low = v[0];

	for (unsigned int i = 1; i < n; i++)
		low = fminf(low, v[i]);
	return low;
}
