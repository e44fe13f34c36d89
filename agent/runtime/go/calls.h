/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The direct calls in a program's code, found by reading all of it without a disassembler: a call's
 * operand is the distance to what it calls, so that five bytes which are none lead to one certain
 * function by chance once in 2^32. What calls through a value is not seen.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct go_process;

#define GO_CALL_BYTES  5
#define GO_CALL_BEFORE 128 /* bytes of code in which the arguments are loaded */

struct go_call {
	uint64_t back;	     /* where it returns to */
	uint64_t to;	     /* what it calls */
	const uint8_t *code; /* of the call itself; what stands before it may be read too: */
	size_t before;	     /* so many bytes, fewer only where the code begins */
};

/* Each call once, by address, until take fails: what it failed with, -ENOMEM, or as
 * go_memory_read. */
int go_calls_each(struct go_process *p, int (*take)(void *context, const struct go_call *call),
		  void *context);
