/* SPDX-License-Identifier: GPL-2.0-only */
/* DWARF expressions as unwinding tables use them (DWARF 5, 2.5), over libdw's decoded operations.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#include "bpf/lib/stack.h"

struct expression_context {
	const uint64_t *registers; /* STACK_REGISTERS of them */
	const uint64_t *cfa;	   /* NULL while it is being computed */
	/* Little-endian word of 1, 2, 4 or 8 bytes of the process; 0 or -errno. */
	int (*read)(const void *memory, uint64_t address, size_t size, uint64_t *ret);
	const void *memory;
};

/*
 * Evaluate; *ret_is_value tells a value from the address of one. -EINVAL for an operation that has
 * no place in an unwinding table, for a stack that runs over or under, and for one without end.
 */
int expression_evaluate(const struct expression_context *c, const Dwarf_Op *ops, size_t n,
			uint64_t *ret, bool *ret_is_value);
