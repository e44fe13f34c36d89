/* SPDX-License-Identifier: GPL-2.0-only */
/* Site keys of the heap programs: made by a walk, told to user space at their first sight. */
#pragma once

#include "bpf/vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/heap.h"
#include "bpf/lib/loss.bpf.h"
#include "bpf/lib/stackcopy.bpf.h"
#include "bpf/lib/walk.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct heap_sums);
} sums SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HEAP_COUNTERS);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} events SEC(".maps");

static __always_inline void count(enum heap_counter which, u64 n)
{
	u32 key = which;
	u64 *counter = bpf_map_lookup_elem(&counters, &key);

	if (counter)
		__sync_fetch_and_add(counter, n);
}

/* As the caller's frame is once the function has returned. */
static __always_inline struct walk walk_begin(struct pt_regs *ctx)
{
	struct walk w = { .sp = PT_REGS_SP(ctx) + 8, .bp = PT_REGS_FP(ctx) };

	w.pc = walk_word(&w, PT_REGS_SP(ctx));
	return w;
}

struct thread_struct___fs {
	unsigned long fsbase;
} __attribute__((preserve_access_index));

struct task_struct___fs {
	struct thread_struct___fs thread;
} __attribute__((preserve_access_index));

/* fs:0 is a fixed distance from the base of a thread's stack. */
static __always_inline u64 walk_key(const struct walked *walked, u64 sp, struct task_struct *task)
{
	u64 hash = walked->hash;

	if (!walked->partial)
		return (hash & ~3ULL) | 4;
	hash = walk_mix(hash, sp - BPF_CORE_READ((struct task_struct___fs *)task, thread.fsbase));
	return (hash & ~3ULL) | 4 | HEAP_KEY_PARTIAL;
}

/* The same walk again, now kept: it is a first sight. */
static __always_inline bool send_site(struct pt_regs *ctx, u64 key)
{
	struct heap_site_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return false;
	e->type = HEAP_SITE;
	e->key = key;
	e->frames = walk_up(walk_begin(ctx), e->pcs, HEAP_FRAMES).n;
	bpf_ringbuf_submit(e, 0);
	return true;
}

static __always_inline bool send_stack(struct pt_regs *ctx, u64 key)
{
	struct heap_stack_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	struct saved_registers r;

	if (!e)
		return false;
	e->type = HEAP_STACK;
	e->key = key;
	bpf_probe_read_kernel(&r, sizeof(r), ctx);
	r.ip = walk_begin(ctx).pc;
	r.sp += 8;
	stack_set_registers(&e->stack, &r);
	stack_copy_bytes(&e->stack, r.sp);
	bpf_ringbuf_submit(e, 0);
	return true;
}

/* Two threads may both see a key first: user space takes either. */
static __always_inline void name_site(struct pt_regs *ctx, u64 key, struct heap_sums *s)
{
	bool sent = key & HEAP_KEY_PARTIAL ? send_stack(ctx, key) : send_site(ctx, key);

	if (sent)
		s->named = 1;
	else
		loss_count(LOSS_RING_FULL);
}

static __always_inline struct heap_sums *sums_of(u64 key)
{
	struct heap_sums zero = {}, *s = bpf_map_lookup_elem(&sums, &key);

	if (s)
		return s;
	bpf_map_update_elem(&sums, &key, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sums, &key);
}

/* The key of the caller, whose site is known to user space from here on. */
static __always_inline u64 site_key(struct pt_regs *ctx, struct task_struct *task)
{
	struct walked walked = walk_up(walk_begin(ctx), NULL, HEAP_FRAMES);
	u64 key = walk_key(&walked, PT_REGS_SP(ctx), task);
	struct heap_sums *s;

	if (walked.partial)
		count(HEAP_PARTIAL, 1);
	s = sums_of(key);
	if (s) {
		if (!s->named)
			name_site(ctx, key, s);
		return key;
	}
	loss_count(LOSS_MAP_FULL);
	sums_of(HEAP_KEY_OTHER);
	return HEAP_KEY_OTHER;
}
