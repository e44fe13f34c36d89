/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the calls of an allocator return to, each a place for a probe that sees the result: the
 * stack pointer and the register are there as at the return itself, and nothing is written into the
 * stack. Found by the stacks of the calls that were met; one that lies about them harms itself
 * alone, since probes are of one process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/probe/heap_known.h"

struct heap_returns;
struct reader;
struct uprobe_set;

struct heap_returns_options {
	struct uprobe_set *set;
	int program_fd, map_fd; /* which runs there, and which knows them: `returns` */
	struct reader *reader;
	pid_t pid;
};

/* What the options hold outlives it. 0 or -ENOMEM. */
int heap_returns_new(const struct heap_returns_options *options, struct heap_returns **ret);
void heap_returns_free(struct heap_returns *r); /* after the set; accepts NULL */

/* Add those that are known by now; only while the set is detached. What has no file, or no room, is
 * left out. 0 or -errno. */
int heap_returns_add(struct heap_returns *r, const struct heap_known *known);

/* The set could not be attached with what was added last: take that out, to be added again one by
 * one; a single one stays out. False when there was none. */
bool heap_returns_refused(struct heap_returns *r);
