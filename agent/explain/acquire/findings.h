/* SPDX-License-Identifier: GPL-2.0-only */
/* From judged sites to findings: the chosen resource, its views, and sampled counts made whole. */
#pragma once

#include "agent/explain/acquire/account.h"
#include "agent/model/finding.h"

struct acquire_view {
	pid_t pid;
	const char *resource; /* NULL: all, each once */
	struct account *account;
	double start, end;		     /* of the watch, seconds of CLOCK_MONOTONIC */
	uint64_t created[ACQUIRE_CLASS_MAX]; /* exact counts of calls that create */
};

/*
 * Of the stack of a mapping, innermost frame first: whether Go's runtime asked for it. What that
 * maps is its heap's, of which goheap knows what lives. It may go through the C library; a call of
 * the program's own into C comes by asmcgocall. Who asks the kernel by package syscall passes the
 * runtime's one function for all system calls too.
 */
bool acquire_maps_go_heap(const struct site_frame *frames, size_t n);

/* Append a finding for each site that took something or holds something. 0 or -ENOMEM. */
int acquire_findings(const struct acquire_view *view, struct findings *ret);
