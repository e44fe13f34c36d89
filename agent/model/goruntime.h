/* SPDX-License-Identifier: GPL-2.0-only */
/* What the collectors of Go programs say, process by process and summed by group. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What only rises, since the start of a program. */
struct gototals {
	uint64_t cycles;    /* collections */
	uint64_t allocated; /* bytes */
	double gc_seconds;  /* CPU time of the collector */
	double cpu_seconds; /* of the program */
};

/* Of one program at its last reading. */
struct goruntime {
	bool read;
	uint64_t heap_live;    /* bytes that the last collection kept, and what came since */
	uint64_t heap_fresh;   /* what of these came since, and what it takes to know them; 0 where
				  no collection is to come */
	uint64_t memory_limit; /* bytes; 0 for none */
	uint64_t timers;       /* of channels: time.After, NewTimer, NewTicker */
	uint64_t pool_excess;  /* connections of its unlimited pools, beyond what may idle */
	unsigned int pools;    /* that have no limit */
	double gc_share;       /* of its CPU time since its start */
	struct gototals total, counted; /* counted: of these, in its group's sum */
	double goroutines_error; /* standard error of their count, at most; 0 when all were read */
};

/* Of a group. What could not be read counts for nothing. */
struct gogroup {
	bool any; /* there is such a program, or was one */
	unsigned int programs, unlimited;
	uint64_t heap_live, memory_limit; /* of all together */
	double gc_share;		  /* the largest */
	unsigned int pools;
	uint64_t pool_excess, timers;
	struct gototals total;	   /* through restarts: it never falls */
	double goroutine_variance; /* of the sum of goroutines: samples are independent */
};

/* At a census: begin, then add each process. */
void gogroup_begin(struct gogroup *g);
void gogroup_add(struct gogroup *g, struct goruntime *p);
/* Groups that are shown as one. Totals are left out: a group that joins would seem to add them. */
void gogroup_join(struct gogroup *sum, const struct gogroup *g);
