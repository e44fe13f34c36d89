/* SPDX-License-Identifier: GPL-2.0-only */
/* A program that allocates in one function so much, and so briefly, that its collector never rests.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/model/finding.h"

struct gochurn {
	double seconds;
	double allocated; /* bytes, in all of the program */
	double seen;	  /* of those, with their sites */
	double cycles;	  /* collections */
	double heap;	  /* bytes that the last collection found alive */
	double grown;	  /* by so much since the watch began */
};

/*
 * Mark the sites of the function that allocates at least half of all bytes with the pattern
 * allocation-churn, where that is 4 MiB a second at least, the collector runs twice a second and
 * the live heap stays as it is. bytes: what each of the findings was seen to allocate.
 */
void gochurn_mark(const struct gochurn *c, struct finding *findings, const uint64_t *bytes,
		  size_t n);
