// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdio.h>

#include "agent/explain/go/youth.h"

#define PART_LEAST                                                                                 \
	0.1 /* of the live heap; what matters after days was more than that long before */
#define PERCENT 100.0

double goyouth_part(const struct goyouth *y)
{
	if (!(y->age > 0) || !(y->seconds > 0) || !(y->heap > 0))
		return INFINITY;
	return y->kept / y->seconds * y->age / y->heap;
}

bool goyouth_forgive(const struct goyouth *y, struct finding *findings, size_t n)
{
	double part = goyouth_part(y);

	if (part >= PART_LEAST)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct finding *f = &findings[i];

		if (f->verdict != SITE_KEEPS || f->pattern)
			continue;
		f->verdict = SITE_UNDECIDED;
		snprintf(f->evidence, sizeof(f->evidence),
			 "stays so far; all that stays is, by its rate and the %.0f s that the "
			 "program runs, %.1f %% of its heap: a log or a table that is filled up "
			 "to its limit looks the same, and a later watch will tell",
			 y->age, part * PERCENT);
	}
	return true;
}
