// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>

#include "agent/explain/go/budget.h"

/* Each a part of the budget, and no more of a CPU than such windows need to tell. Go statements and
 * what is rare cost so little that their windows are long all the same. */
static const struct {
	double part, share_max;
} parts[GOBUDGET_MAX] = {
	[GOBUDGET_HEAP] = { 0.4, 0.03 },
	[GOBUDGET_SPAWNS] = { 1. / 4, 0.005 },
	[GOBUDGET_RARE] = { 1. / 16, 0.0025 },
};

double gobudget_share(const struct explain_options *options, enum gobudget windows)
{
	return fmin(options->budget * parts[windows].part, parts[windows].share_max);
}
