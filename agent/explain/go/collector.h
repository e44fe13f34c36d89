/* SPDX-License-Identifier: GPL-2.0-only */
/* What a Go program's collector did during a watch: its own numbers at pulls, beside the kernel's
 * of the process. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "agent/runtime/go/report.h"

/* One pull. */
struct gocollector_point {
	double at;  /* CLOCK_MONOTONIC, seconds */
	double gc;  /* seconds of processors that its cycles took since the start, NAN: not known */
	double cpu; /* CPU seconds of the process since its start, NAN: not known */
	uint64_t resident; /* bytes of its memory that is no file's, 0: not known */
	struct go_collector c;
};

struct gocollector {
	unsigned int points;
	bool from_environment; /* the limit was set when the program started */
	struct gocollector_point first, last;
	struct gocollector_point before; /* the last pull with the limit of the first one */
};

/* Enter what a report says of the collector, if it does. */
void gocollector_add(struct gocollector *w, pid_t pid, const struct go_report *report);

/* Between the first pull and the last. */
double gocollector_seconds(const struct gocollector *w);
double gocollector_cycles(const struct gocollector *w);
double gocollector_allocated(const struct gocollector *w); /* bytes */
/* The collector's part of the process's CPU time, 0 to 1, NAN when not known. It counts what it
 * waits for a processor as its own time, so on a busy host this is a highest estimate. */
double gocollector_share(const struct gocollector *w);
/* Bytes that are resident beyond all that the runtime has in use, touched or not; 0 when not known.
 */
double gocollector_outside(const struct gocollector_point *p);
/* Bytes by which that grew; 0 for less than a MiB, which is little
 * beside what the two numbers can differ by. */
double gocollector_outside_grown(const struct gocollector *w);
