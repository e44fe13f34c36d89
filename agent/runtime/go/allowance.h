/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A share of time that something may take: it grows as time passes, up to what may be saved, and
 * whoever is to pay does so after the fact, into debt if need be, which is paid off first. So over
 * any span what was taken is at most share times the span, what was saved, and one debt.
 */
#pragma once

#include <stdbool.h>

struct allowance {
	double share;
	double left, most; /* seconds; left is what there is at first */
};

static inline void allowance_earn(struct allowance *a, double seconds)
{
	a->left += a->share * seconds;
	a->left = a->left < a->most ? a->left : a->most;
}

static inline void allowance_spend(struct allowance *a, double seconds)
{
	a->left -= seconds;
}

static inline bool allowance_is_left(const struct allowance *a)
{
	return a->left > 0;
}
