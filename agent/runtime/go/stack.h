/* SPDX-License-Identifier: GPL-2.0-only */
/* The stack of a goroutine that does not run, by its frame pointers, which Go keeps on amd64. */
#pragma once

#include "agent/runtime/go/process.h"

/* Where it left off. */
struct go_parked {
	uint64_t low, high; /* of its stack */
	uint64_t sp, pc, bp;
	uint64_t made; /* where its go statement returns to */
};

/* Append its codes to the report's stacks, innermost first. Nothing when it cannot be read. */
void go_stack_tell(struct go_builder *b, const struct go_parked *g, uint16_t *ret_first,
		   uint16_t *ret_n);

/* Code addresses, at most max; how many. The first is where it stands, the others return there. */
size_t go_stack_read(struct go_process *p, const struct go_parked *g, uint64_t *ret, size_t max);

/*
 * Call take for each goroutine that waits, of the first most that there were (0: of all); reason:
 * its number among the process's wait_reasons. 0, or -errno: -ENXIO when not all could be looked
 * at. Uses the scratch memory.
 */
typedef void (*go_take_waiting)(void *context, const struct go_parked *g, uint8_t reason);
int go_goroutines_waiting(struct go_process *p, size_t most, go_take_waiting take, void *context);
