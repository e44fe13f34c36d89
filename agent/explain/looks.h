/* SPDX-License-Identifier: GPL-2.0-only */
/* Times at which something was looked at over one watch. They come late on a busy host, so only
 * they themselves say how far apart they are. */
#pragma once

/* The first of n looks that is not before a part (0 to 1) of the time from the first to the last;
 * at ascends, in whatever unit; n is not 0. */
static inline unsigned int looks_at(const double *at, unsigned int n, double part)
{
	unsigned int i = 0;

	while (i + 1 < n && at[i] - at[0] < part * (at[n - 1] - at[0]))
		i++;
	return i;
}
