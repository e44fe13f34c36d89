/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking a stack copy. What is dear is the copying, so a caller decides first whether it wants one.
 * The copy goes into scratch memory, and only the used part of it to the ring buffer.
 */
#pragma once

#include "bpf/vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/lib/stack.h"

#define STACK_PAGE  4096
#define STACK_PAGES (STACK_COPY_BYTES / STACK_PAGE)

/* Kernel stacks without KASAN: include/asm/page_64_types.h, THREAD_SIZE_ORDER 2. */
#define KERNEL_STACK_BYTES (4 * 4096)

/*
 * The same layout as the kernel's pt_regs, without relocation, to be read in one piece. It is that
 * of the ptrace interface (arch/x86/include/uapi/asm/ptrace.h) and cannot change.
 */
struct saved_registers {
	u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	u64 ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

/*
 * The user registers of the current task, saved at the top of its kernel stack. The helper is there
 * since 5.15 (dd6e10fbd9fb); kernels before it have no padding above the registers.
 */
static __always_inline const void *stack_user_registers(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return BPF_CORE_READ(task, stack) + KERNEL_STACK_BYTES - sizeof(struct saved_registers);
}

static __always_inline void stack_set_registers(struct stack_copy *s,
						const struct saved_registers *r)
{
	s->regs[STACK_RAX] = r->ax;
	s->regs[STACK_RDX] = r->dx;
	s->regs[STACK_RCX] = r->cx;
	s->regs[STACK_RBX] = r->bx;
	s->regs[STACK_RSI] = r->si;
	s->regs[STACK_RDI] = r->di;
	s->regs[STACK_RBP] = r->bp;
	s->regs[STACK_RSP] = r->sp;
	s->regs[STACK_R8] = r->r8;
	s->regs[STACK_R9] = r->r9;
	s->regs[STACK_R10] = r->r10;
	s->regs[STACK_R11] = r->r11;
	s->regs[STACK_R12] = r->r12;
	s->regs[STACK_R13] = r->r13;
	s->regs[STACK_R14] = r->r14;
	s->regs[STACK_R15] = r->r15;
	s->regs[STACK_RIP] = r->ip;
}

/*
 * Page by page, so that a stack that ends within the copy still gives its bytes. The first piece
 * ends at a page's end, so up to a page less than STACK_COPY_BYTES is taken.
 */
static __always_inline void stack_copy_bytes(struct stack_copy *s, u64 sp)
{
	u32 done = 0;

	s->truncated = 1;
#pragma unroll
	for (int i = 0; i < STACK_PAGES; i++) {
		u32 piece = STACK_PAGE - ((sp + done) & (STACK_PAGE - 1));

		if (bpf_probe_read_user(s->bytes + done, piece, (void *)(sp + done)) < 0) {
			s->truncated = 0;
			break;
		}
		done += piece;
	}
	s->size = done;
}

/* Fill s from saved user registers. False when not even those could be read. */
static __always_inline bool stack_copy_take(struct stack_copy *s, const void *registers)
{
	struct saved_registers r;

	if (bpf_probe_read_kernel(&r, sizeof(r), registers) < 0)
		return false;
	stack_set_registers(s, &r);
	stack_copy_bytes(s, r.sp);
	return s->size > 0;
}

/* Bytes of s that are used, from its start. */
static __always_inline u64 stack_copy_size(const struct stack_copy *s)
{
	return __builtin_offsetof(struct stack_copy, bytes) + s->size;
}
