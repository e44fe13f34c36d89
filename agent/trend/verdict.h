/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of a trend. */
#pragma once

enum verdict {
	VERDICT_UNKNOWN,
	VERDICT_STEADY,
	VERDICT_WARMING,
	VERDICT_GROWING,
	VERDICT_LEAKING,
	VERDICT_MAX
};

const char *verdict_name(enum verdict v);
/* VERDICT_MAX when no verdict has this name. */
enum verdict verdict_find(const char *name);

struct trend {
	enum verdict verdict;
	double rate_per_hour; /* NAN until a window has passed */
	double since;	      /* seconds on the caller's clock when the growth began, NAN if none */
};

/* Seconds until value reaches limit at this trend; NAN when it does not grow or has no limit. */
double trend_eta(const struct trend *t, double used, double limit);
