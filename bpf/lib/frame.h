/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How one frame is left, in the few forms that compilers write into .eh_frame on x86-64: enough to
 * walk a stack in the kernel, rule by rule, where nothing keeps a frame pointer. Rules are learned
 * lazily, for return addresses that were met; the sandboxed reader makes them (sites/rule.h).
 */
#pragma once

#ifdef __bpf__
#include "bpf/vmlinux.h"
#else
#include <linux/types.h>
#endif

/* Where the canonical frame address (CFA) is; the return address lies 8 bytes below it. */
enum frame_base {
	FRAME_STOP = 0, /* no caller above, or none that these forms can find */
	FRAME_SP,	/* CFA = rsp + cfa_offset */
	FRAME_BP,	/* CFA = rbp + cfa_offset */
	FRAME_BP_DEREF, /* CFA = *(rbp + cfa_offset): a function that realigned its stack */
	/* Go code, which no table covers: it keeps frame pointers (CFA = rbp + 16, the caller's rbp
	 * below the return address), and so do all its callers. C code that Go called runs on
	 * another stack, whose rbp leads to the goroutine's (runtime.asmcgocall). */
	FRAME_GO,
};

/* Where the caller's rbp is. */
enum frame_bp {
	FRAME_BP_SAME = 0,
	FRAME_BP_AT_CFA, /* *(CFA + bp_offset) */
	FRAME_BP_AT_BP,	 /* *(rbp + bp_offset) */
};

struct frame_rule {
	__s32 cfa_offset;
	__s32 bp_offset;
	__u8 base; /* enum frame_base */
	__u8 bp;   /* enum frame_bp */
	__u16 pad;
};

_Static_assert(sizeof(struct frame_rule) == 12, "wire format");
