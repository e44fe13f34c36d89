// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "agent/explain/gochurn.h"
#include "agent/model/go_function.h"

#define RATE_LEAST   (4.0 * 1024 * 1024) /* bytes a second, of the function */
#define CYCLES_LEAST 2.0		 /* a second */
#define PART_LEAST   0.5		 /* of all bytes */
#define GROWN_MOST   0.25		 /* of the live heap */

/* The program's own function that the bytes go to, NULL when all is the library's. */
static const char *function_of(const struct finding *f)
{
	const struct site_frame *frame = finding_frame(f);

	return frame && !go_function_is_standard(frame->function) ? frame->function : NULL;
}

static double bytes_of(const char *function, const struct finding *findings, const uint64_t *bytes,
		       size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		const char *other = function_of(&findings[i]);

		if (other && strcmp(other, function) == 0)
			sum += (double)bytes[i];
	}
	return sum;
}

static bool is_restless(const struct gochurn *c, double part)
{
	return c->seconds > 0 && part >= PART_LEAST &&
	       part * c->allocated / c->seconds >= RATE_LEAST &&
	       c->cycles / c->seconds >= CYCLES_LEAST && c->grown <= GROWN_MOST * c->heap;
}

void gochurn_mark(const struct gochurn *c, struct finding *findings, const uint64_t *bytes,
		  size_t n)
{
	for (size_t i = 0; i < n && c->seen > 0; i++) {
		const char *function = function_of(&findings[i]);

		if (!function || findings[i].pattern || findings[i].verdict == SITE_KEEPS)
			continue;
		if (is_restless(c, bytes_of(function, findings, bytes, n) / c->seen))
			findings[i].pattern = "allocation-churn";
	}
}
