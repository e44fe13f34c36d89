/* SPDX-License-Identifier: GPL-2.0-only */
/* Frame rules (bpf/lib/frame.h) from unwinding tables. Runs in the reader child. */
#pragma once

#include "agent/sites/cfi.h"
#include "agent/sites/space.h"
#include "bpf/lib/frame.h"

/*
 * The rule of a row of the tables. What has no caller, or a form that the rules cannot say, is
 * FRAME_STOP. The forms: DWARF 5, 6.4, and what GCC writes where it realigns a stack.
 */
struct frame_rule rule_of_row(const struct cfi_row *row);

/* The rules of the frames that return to n addresses of a process. 0 or -errno. */
int rules_find(struct spaces *spaces, struct cfi_cache *cache, uint64_t process,
	       const struct source *source, const uint64_t *pcs, size_t n, struct frame_rule *ret);
