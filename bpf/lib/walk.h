/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One step up a stack by a frame rule: the same code in the kernel and over a stack copy in user
 * space. The includer defines walk_word().
 */
#pragma once

#include "bpf/lib/frame.h"

struct walk {
	__u64 pc; /* of the frame that is to be left: a return address */
	__u64 sp; /* its stack pointer there */
	__u64 bp;
	const void *memory; /* of walk_word() */
	_Bool go;	    /* all further frames are FRAME_GO */
};

/* The word at an address of the process, 0 when it cannot be read. */
static inline __attribute__((always_inline)) __u64 walk_word(const struct walk *w, __u64 address);

/* The first time from C code to the goroutine that called it, on a stack that is anywhere. */
static inline __attribute__((always_inline)) _Bool walk_leave_go(struct walk *w)
{
	__u64 bp = w->bp;

	if (!bp || (w->go && bp + 16 <= w->sp))
		return 0;
	w->go = 1;
	w->sp = bp + 16;
	w->bp = walk_word(w, bp);
	w->pc = walk_word(w, bp + 8);
	return w->pc != 0;
}

/* Leave the frame; false when it was the last. A stack only ever shrinks, so a walk ends. */
static inline __attribute__((always_inline)) _Bool walk_leave(struct walk *w,
							      const struct frame_rule *rule)
{
	__u64 cfa;

	if (rule->base == FRAME_STOP)
		return 0;
	if (rule->base == FRAME_GO)
		return walk_leave_go(w);
	cfa = (rule->base == FRAME_SP ? w->sp : w->bp) + (__u64)(__s64)rule->cfa_offset;
	if (rule->base == FRAME_BP_DEREF)
		cfa = walk_word(w, cfa);
	if (cfa <= w->sp)
		return 0;
	if (rule->bp == FRAME_BP_AT_CFA)
		w->bp = walk_word(w, cfa + (__u64)(__s64)rule->bp_offset);
	else if (rule->bp == FRAME_BP_AT_BP)
		w->bp = walk_word(w, w->bp + (__u64)(__s64)rule->bp_offset);
	w->sp = cfa;
	w->pc = walk_word(w, cfa - 8);
	return w->pc != 0;
}
