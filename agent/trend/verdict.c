// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <string.h>

#include "agent/trend/verdict.h"

static const char *const names[VERDICT_MAX] = { "unknown", "steady", "warming", "growing",
						"leaking" };

const char *verdict_name(enum verdict v)
{
	return names[v];
}

enum verdict verdict_find(const char *name)
{
	for (enum verdict v = 0; v < VERDICT_MAX; v++)
		if (strcmp(names[v], name) == 0)
			return v;
	return VERDICT_MAX;
}

double trend_eta(const struct trend *t, double used, double limit)
{
	if (!(t->rate_per_hour > 0) || t->verdict < VERDICT_WARMING)
		return NAN;
	return used >= limit ? 0 : (limit - used) / t->rate_per_hour * 3600;
}
