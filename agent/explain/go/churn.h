/* SPDX-License-Identifier: GPL-2.0-only */
/* A program that allocates in one function so much, and so briefly, that its collector never rests.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/model/finding.h"

struct gochurn {
	double seconds;
	double cpu;	  /* seconds of the process */
	double share;	  /* of that for the collector, at most; NAN when not known */
	double allocated; /* bytes, in all of the program */
	double seen;	  /* of those, with their sites */
	double cycles;	  /* collections */
	double heap;	  /* bytes that the last collection found alive */
	double grown;	  /* by so much since the watch began */
};

/*
 * Mark the sites of the function that itself allocates at least half of all bytes with the pattern
 * allocation-churn, where all of this holds: the function allocates 64 KiB in each millisecond of
 * the process's CPU time, several times what a server allocates that does its work; the collector
 * runs every second and takes 2 % of that time, so that it matters, and 0.5 % of a CPU, so that
 * anybody would gain by less of it; of the bytes, one in twenty at most adds to the live heap.
 * bytes: what each of the findings was seen to allocate.
 */
void gochurn_mark(const struct gochurn *c, struct finding *findings, const uint64_t *bytes,
		  size_t n);
