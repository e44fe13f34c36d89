/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When to look, and for how long: short windows over a watch, each of which costs what its traps
 * cost, those included that are met while it is taken down. The pause after it pays for that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct window_ops {
	int (*begin)(void *context);	  /* attach; 0 or -errno, -EBUSY: not now (uprobe.h) */
	pid_t (*obstacle)(void *context); /* the process that was in the way then */
	void (*end)(void *context);	  /* take the traps out */
	int (*poll)(void *context);	  /* take what was told meanwhile; NULL: nothing */
	double (*cost)(void *context);	  /* CPU seconds of traps and programs so far */
};

/* Times in seconds, points in time of CLOCK_MONOTONIC. */
struct windows {
	const struct window_ops *ops;
	void *context;
	double duration; /* of the watch */
	double share;	 /* of one CPU that the windows may cost */

	uint64_t n;	  /* that were opened */
	uint64_t refused; /* that could not be, since a process was in the way */
	bool open;
	double began, began_cost; /* of the open one, or the last */
	double length;		  /* of the next */
	double due;		  /* when the open one ends, or the next begins */
};

/* Open one, without planning its end. 0 or -errno. */
int windows_begin(struct windows *w);
/* End it, if one is open. */
void windows_end(struct windows *w);

/* Begin or end a window where it is time to; sizes the next one by what this one cost. */
int windows_poll(struct windows *w);
