/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the heap source share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "agent/explain/heap_verdict.h"
#include "agent/explain/naming.h"
#include "agent/explain/source.h"
#include "agent/explain/windows.h"
#include "agent/probe/heap.h"

/* What was known when the window was opened. Times in seconds; CPU is that of the process. */
struct heap_window {
	double cpu, cost;
	uint64_t given, taken;
};

struct heap_source {
	const struct explain_options *options;
	struct reader *reader;
	struct uprobe_host host;
	bool go;	      /* a Go program with C code in it */
	struct naming naming; /* of a Go program */
	struct heap *heap;
	clockid_t cpu_clock;	/* of the process */
	struct windows windows; /* in exact mode one, which lasts the watch */
	struct heap_window opened;
	double cpu_began;	   /* CPU that the process had used when the watch began */
	double worked, in_windows; /* CPU that it used in windows: its own work, and all of it */
	double balance, balance_squares; /* over windows: given less taken, and squares of it */
	uint64_t resident, resident_end; /* bytes of anonymous memory */
};

/* CPU seconds of traps and programs so far, and the counts they come from. */
double heap_source_cost(struct heap_source *s, struct heap_counts *ret_counts);
double heap_source_cpu(const struct heap_source *s);

/* Attach and detach; the context is the source. */
extern const struct window_ops heap_window_ops;

/* One window of a few milliseconds, forgotten again: says on stderr what exact counting will cost,
 * and learns the stacks before it begins. */
int heap_estimate(struct heap_source *s);

/* Append a finding for each site; seconds: how long it was watched. 0 or -errno. */
int heap_findings(struct heap_source *s, double seconds, struct findings *ret);
