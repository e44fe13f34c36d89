/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a Go program's memory limit came in time. What sizes itself by the memory that there is
 * has seen no limit before it was set; from then on the collector has too little room, and runs
 * again and again. All sizes in bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GOLIMIT_NONE INT64_MAX /* the runtime's own word for none */

struct golimit_watch {
	uint64_t limit_before, limit; /* when the watch began, and now */
	bool from_environment;	      /* GOMEMLIMIT was set at the start */
	uint64_t heap_before;	      /* when the limit changed: alive, and allocated since */
	uint64_t marked;	      /* that the last collection found alive */
	int percent;		      /* GOGC, -1: off */
	double cycles, allocated;     /* during the watch */
	uint64_t cgroup;	      /* what its cgroup allows, 0: no limit */
};

enum golimit_fault {
	GOLIMIT_FINE,
	GOLIMIT_SET_LATE,  /* seen: half of it and more was in use before */
	GOLIMIT_OUTGROWN,  /* what lives takes three quarters of it, and the collector, which would
			    * wait for a heap's worth of new objects without it, not for a quarter */
	GOLIMIT_TOO_LOW,   /* the same of one that was set before anything was allocated */
	GOLIMIT_NEVER_SET, /* none below the cgroup's, which the heap may pass before it is
			      collected */
};

enum golimit_fault golimit_judge(const struct golimit_watch *w);

/* What was seen, in words; share: of the CPU, NAN when not known. */
void golimit_tell(const struct golimit_watch *w, enum golimit_fault fault, double seconds,
		  double share, char *dst, size_t size);
