/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who writes to an address: one of the processor's debug registers, held by the kernel for each
 * thread of a process (perf_event_open(2), PERF_TYPE_BREAKPOINT). A thread pays one trap at its
 * first write and none after it, since the event ends with that. Nothing is written into the
 * process. What the kernel writes for it (read(2) into a buffer) is not seen.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WATCHPOINT_FRAMES 24
#define WATCHPOINT_BYTES  8 /* that are watched: the address is a multiple of this */

struct watchpoint;

/* The first write that was seen. */
struct watchpoint_hit {
	uint64_t pcs[WATCHPOINT_FRAMES]; /* after the instruction that wrote, then return addresses
					  * by frame pointers */
	size_t n;
	uint64_t top;		/* the word on top of the stack: in a function that has no frame,
				 * its return address, which frame pointers skip */
	uint64_t registers[16]; /* in no order; program counter and flags are not among them */
};

/* Threads that are started later are not watched. -ENODEV and others when the processor or the
 * kernel has no such thing to give, -ESRCH when the process ended. */
int watchpoint_new(pid_t pid, uint64_t address, struct watchpoint **ret);
void watchpoint_free(struct watchpoint *w); /* accepts NULL */

/* False while nobody wrote. */
bool watchpoint_take(const struct watchpoint *w, struct watchpoint_hit *ret);
