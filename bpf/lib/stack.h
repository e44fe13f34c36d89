/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A user stack as BPF takes it: the registers and the bytes above the stack pointer, to be unwound
 * by .eh_frame in the sandboxed reader. Libraries and servers of distributions have no frame
 * pointers, so the kernel's own walk would skip the very function that is looked for.
 */
#pragma once

#ifdef __bpf__
#include "bpf/vmlinux.h"
#else
#include <linux/types.h>
#endif

/* DWARF numbers of the x86-64 registers (System V psABI, figure 3.36). */
enum stack_register {
	STACK_RAX,
	STACK_RDX,
	STACK_RCX,
	STACK_RBX,
	STACK_RSI,
	STACK_RDI,
	STACK_RBP,
	STACK_RSP,
	STACK_R8,
	STACK_R9,
	STACK_R10,
	STACK_R11,
	STACK_R12,
	STACK_R13,
	STACK_R14,
	STACK_R15,
	STACK_RIP,
	STACK_REGISTERS
};

#define STACK_COPY_BYTES 16384

struct stack_copy {
	__u64 regs[STACK_REGISTERS];
	__u32 size;	 /* bytes that are valid, from regs[STACK_RSP] up */
	__u32 truncated; /* the stack went on above */
	__u8 bytes[STACK_COPY_BYTES];
};

_Static_assert(sizeof(struct stack_copy) == 17 * 8 + 8 + STACK_COPY_BYTES, "wire format");
