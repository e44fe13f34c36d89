/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where explain learns from: a source watches one process for a bounded time by its own means and
 * makes findings. The command owns the clock, the budget and the output. A new source is one file
 * with one struct source, and one row in the table of explain.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/model/finding.h"

struct reader;

struct explain_options {
	int pid;
	double duration;      /* seconds */
	const char *resource; /* NULL: all that is cheap to know */
	double budget;	      /* share of one CPU over the duration, 0 to 1 */
	bool exact, active;
	const char *alloc_function, *free_function; /* NULL: not given */
	bool json;
	const char *pprof, *folded; /* files to write, NULL: none */
};

/* What a source cost so far. The command adds seep's own CPU time and that of its children. */
struct source_cost {
	uint64_t hits;	  /* runs of its programs in the target */
	uint64_t windows; /* times that it attached; 1 for a source that stays attached */
	double seconds;	  /* CPU time of its programs and traps, in whatever process they ran */
	uint64_t lost[LOSS_REASON_MAX];
};

struct source {
	const char *name;

	/* Would it answer these options? Called before anything is opened. */
	bool (*wants)(const struct explain_options *options);

	/* Load, attach, learn what exists. Logs one line and returns -errno on failure; when asked
	 * for all that is cheap, a source that has nothing to say of this process returns -ENOEXEC
	 * and logs nothing. The reader outlives the source. */
	int (*open)(const struct explain_options *options, struct reader *reader, void **ret);

	/* Called about ten times a second until the time is over; short. Negative ends the watch;
	 * -ESRCH when the process ended. */
	int (*poll)(void *source);

	/* Valid before and after detach. */
	void (*cost)(void *source, struct source_cost *ret);

	/* Leave the process alone. Called once, before findings. */
	void (*detach)(void *source);

	/* Append a finding for each site. seconds: how long it watched. 0 or -errno. */
	int (*findings)(void *source, double seconds, struct findings *ret);

	void (*free)(void *source); /* accepts NULL */
};

extern const struct source source_all;	       /* agent/explain/all_source.c */
extern const struct source source_acquire;     /* agent/explain/acquire/source.c */
extern const struct source source_heap;	       /* agent/explain/heap/source.c */
extern const struct source source_transaction; /* agent/explain/transaction/source.c */
extern const struct source source_gobirths;    /* agent/explain/go/births_source.c */
extern const struct source source_gobuffers;   /* agent/explain/go/buffers_source.c */
extern const struct source source_gospawns;    /* agent/explain/go/spawn_source.c */
extern const struct source source_go;	       /* agent/explain/go/source.c */
