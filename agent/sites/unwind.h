/* SPDX-License-Identifier: GPL-2.0-only */
/* A stack copy to return addresses, by the unwinding tables of the modules it runs through. */
#pragma once

#include "agent/sites/cfi.h"
#include "agent/sites/space.h"

struct unwinder {
	struct spaces *spaces;
	struct cfi_cache *cache;
	const struct source *source;
};

/*
 * Fills at most max addresses, the first being the stack's own; *ret tells how it went. -ENODATA
 * when there is none but the first, since no table covers it and nothing could be guessed.
 */
int unwind(const struct unwinder *u, uint64_t process, const struct stack_copy *stack,
	   uint64_t *ret_pcs, size_t max, size_t *ret_n, struct wire_unwound *ret);
