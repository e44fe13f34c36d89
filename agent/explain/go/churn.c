// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "agent/base/text.h"
#include "agent/explain/go/churn.h"
#include "agent/runtime/go/patterns.h"

#define RATE_LEAST   (64.0 * 1024 * 1024) /* bytes in a CPU second, of the function */
#define CYCLES_LEAST 1.0		  /* a second */
#define SHARE_LEAST  0.02		  /* of the CPU time */
#define COST_LEAST   0.005		  /* of a CPU, by the collector */
#define PART_LEAST   0.5		  /* of all bytes */
#define GROWN_MOST   0.05		  /* of all bytes */
#define PERCENT	     100.0

static double bytes_of(const char *function, const struct finding *findings, const uint64_t *bytes,
		       size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		const char *other = go_allocating_function(&findings[i]);

		if (other && strcmp(other, function) == 0)
			sum += (double)bytes[i];
	}
	return sum;
}

static bool is_restless(const struct gochurn *c, double part)
{
	return c->seconds > 0 && c->cpu > 0 && part >= PART_LEAST &&
	       part * c->allocated / c->cpu >= RATE_LEAST &&
	       c->cycles / c->seconds >= CYCLES_LEAST && !(c->share < SHARE_LEAST) &&
	       !(c->share * c->cpu / c->seconds < COST_LEAST) &&
	       c->grown <= GROWN_MOST * c->allocated;
}

static void tell(const struct gochurn *c, double part, struct finding *f)
{
	char rate[32], alive[32];

	text_format_bytes(part * c->allocated / c->seconds, rate, sizeof(rate));
	text_format_bytes(c->heap, alive, sizeof(alive));
	f->evidence[0] = '\0';
	text_append(f->evidence, sizeof(f->evidence),
		    "%s a second, %.0f %% of all that is allocated, %s alive, %.0f collections a "
		    "minute",
		    rate, part * PERCENT, alive, c->cycles * 60 / c->seconds);
	if (!isnan(c->share))
		text_append(f->evidence, sizeof(f->evidence), " take up to %.0f %% of its CPU time",
			    c->share * PERCENT);
}

void gochurn_mark(const struct gochurn *c, struct finding *findings, const uint64_t *bytes,
		  size_t n)
{
	for (size_t i = 0; i < n && c->seen > 0; i++) {
		const char *function = go_allocating_function(&findings[i]);

		double part;

		if (!function || findings[i].pattern || findings[i].verdict == SITE_KEEPS)
			continue;
		part = bytes_of(function, findings, bytes, n) / c->seen;
		if (!is_restless(c, part))
			continue;
		findings[i].pattern = "allocation-churn";
		tell(c, part, &findings[i]);
	}
}
