// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocations and frees of one process, by two programs: one at the entry of every function of the
 * allocator, one at the returns of those that give memory. Which function it is, the address tells.
 *
 * An allocator calls its own entry points (realloc calls malloc, calloc calls mmap), and only the
 * outermost call is the program's: each thread has at most one open call, named by its stack
 * pointer. What is entered deeper on the same stack is nested; a return belongs to the open call
 * only where the stack pointer is just above that of the entry. free() is seen at its entry alone;
 * a munmap() inside gives back what was mapped by a nested call, so no books know it.
 *
 * A block that is given back is forgotten at the entry, before another thread can be given its
 * address; realloc that fails puts it back.
 */
#include "bpf/vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/heap_books.bpf.h"
#include "bpf/heap_target.bpf.h"

/* A call that began longer ago never returned to its caller: a longjmp, or a lost return. */
#define CALL_STALE_NS 1000000000ULL

/* The open call of a thread. */
struct call {
	u64 sp;
	u64 ip;
	u64 began;
	u64 key;
	u64 size;
	u64 result_pointer;
	u64 old_address;
	struct heap_function function;
	struct heap_block old; /* its key is 0 when there was none */
	u32 window;
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u64);
	__type(value, struct heap_function);
} functions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, struct call);
} calls SEC(".maps");

/* Results are seen where calls return to, and not by return probes: at the addresses in returns. */
const volatile __u32 at_callers;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HEAP_RETURNS);
	__type(key, u64);
	__type(value, u32);
} returns SEC(".maps");

/*
 * Set by user space once everything is attached. When it is cleared, calls that are open may still
 * return while the traps are taken out, so that what was freed and what was given balance.
 */
volatile __u32 armed;

/* Copied first: the verifier wants registers read at fixed places. */
struct arguments {
	u64 values[4];
};

static __always_inline struct arguments arguments_of(struct pt_regs *ctx)
{
	return (struct arguments){ { PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx),
				     PT_REGS_PARM4(ctx) } };
}

/* The n-th from 1; 0 for none. */
static __always_inline u64 argument(const struct arguments *a, u8 n)
{
	return n ? a->values[(n - 1) & 3] : 0;
}

static __always_inline void send_mapping(u32 op, const struct call *c, u64 address)
{
	struct heap_mapping_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		loss_count(LOSS_RING_FULL);
		return;
	}
	e->type = HEAP_MAPPING;
	e->op = op;
	e->key = c->key;
	e->address = address;
	e->size = c->size;
	e->old_address = c->old_address;
	e->old_size = c->old.size;
	e->time = c->began;
	bpf_ringbuf_submit(e, 0);
}

static __always_inline bool is_nested(const struct call *c, struct pt_regs *ctx, u64 now)
{
	u64 sp = PT_REGS_SP(ctx);

	if (c->window != window || now - c->began > CALL_STALE_NS)
		return false;
	/* Of equal depth: a tail call goes elsewhere, a lost return comes again. */
	return sp < c->sp || (sp == c->sp && PT_REGS_IP(ctx) != c->ip);
}

static __always_inline void enter_free(struct pt_regs *ctx, const struct heap_function *f)
{
	struct arguments a = arguments_of(ctx);
	u64 address = argument(&a, f->old_arg);
	struct heap_block b;

	if (!address)
		return;
	count(HEAP_TAKEN, 1);
	if (block_take(address, &b))
		sum_destroyed(&b);
	else
		count(HEAP_UNKNOWN_FREES, 1);
}

static __always_inline bool is_seen_returning(struct pt_regs *ctx)
{
	struct walk w = {};
	u64 pc = walk_word(&w, PT_REGS_SP(ctx));

	return !at_callers || bpf_map_lookup_elem(&returns, &pc);
}

/* Its site is told, so that the next window sees it returning. */
static __always_inline void enter_unseen(struct pt_regs *ctx, const struct heap_function *f,
					 struct task_struct *task)
{
	site_key(ctx, task);
	count(HEAP_GIVEN, 1);
	enter_free(ctx, f);
}

static __always_inline void enter_unmap(struct pt_regs *ctx, const struct heap_function *f, u64 now)
{
	struct arguments a = arguments_of(ctx);
	struct call c = { .began = now };

	c.old_address = argument(&a, f->old_arg);
	c.old.size = argument(&a, f->old_size_arg);
	send_mapping(HEAP_UNMAP, &c, 0);
}

static __always_inline void enter_alloc(struct pt_regs *ctx, const struct heap_function *f, u64 now,
					u32 tid, struct task_struct *task)
{
	struct call c = { .sp = PT_REGS_SP(ctx), .ip = PT_REGS_IP(ctx), .began = now };
	struct arguments a = arguments_of(ctx);

	c.window = window;
	c.function = *f;
	c.size = argument(&a, f->size_arg);
	if (f->count_arg)
		c.size *= argument(&a, f->count_arg);
	c.result_pointer = argument(&a, f->result_arg);
	c.old_address = argument(&a, f->old_arg);
	c.key = site_key(ctx, task);
	if (f->op == HEAP_REMAP)
		c.old.size = argument(&a, f->old_size_arg);
	else if (c.old_address && !block_take(c.old_address, &c.old))
		count(HEAP_UNKNOWN_FREES, 1);
	if (bpf_map_update_elem(&calls, &tid, &c, BPF_ANY) < 0)
		loss_count(LOSS_PROBE_MISSED);
}

static __always_inline void enter(struct pt_regs *ctx, struct task_struct *task, u64 now)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	const struct call *open = bpf_map_lookup_elem(&calls, &tid);
	u64 ip = PT_REGS_IP(ctx);
	const struct heap_function *f = bpf_map_lookup_elem(&functions, &ip);

	if (!f) {
		loss_count(LOSS_PROBE_MISSED);
		return;
	}
	if (open && is_nested(open, ctx, now))
		return;
	if (f->op == HEAP_FREE)
		enter_free(ctx, f);
	else if (f->op == HEAP_UNMAP)
		enter_unmap(ctx, f, now);
	else if (is_seen_returning(ctx))
		enter_alloc(ctx, f, now, tid, task);
	else
		enter_unseen(ctx, f, task);
}

SEC("?uprobe")
int heap_enter(struct pt_regs *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 now;

	if (!is_target(task))
		return 0;
	count(HEAP_HITS, 1);
	if (!armed)
		return 0;
	now = bpf_ktime_get_ns();
	enter(ctx, task, now);
	count(HEAP_NS, bpf_ktime_get_ns() - now);
	return 0;
}

static __always_inline u64 user_word(u64 address)
{
	u64 word = 0;

	if (bpf_probe_read_user(&word, sizeof(word), (void *)address) < 0)
		loss_count(LOSS_READ_FAULT);
	return word;
}

/* Where the block is, or 0 for a call that failed. */
static __always_inline u64 result_of(struct pt_regs *ctx, const struct call *c)
{
	u64 result = PT_REGS_RC(ctx);

	if (c->function.result_arg)
		return (s32)result == 0 ? user_word(c->result_pointer) : 0;
	if (c->function.op == HEAP_MAP || c->function.op == HEAP_REMAP)
		return result == ~0ULL ? 0 : result;
	return result;
}

/* realloc that fails leaves the old block; realloc to 0 may free and give nothing. */
static __always_inline void leave_failed(struct call *c)
{
	if (c->old_address && c->size == 0) {
		count(HEAP_TAKEN, 1);
		if (c->old.key)
			sum_destroyed(&c->old);
		return;
	}
	count(HEAP_FAILED, 1);
	if (c->old.key)
		bpf_map_update_elem(&blocks, &c->old_address, &c->old, BPF_NOEXIST);
}

static __always_inline void leave_alloc(struct pt_regs *ctx, struct call *c)
{
	struct heap_block b = { .key = c->key, .size = c->size, .born = c->began };
	u64 address = result_of(ctx, c);

	if (!address) {
		leave_failed(c);
	} else if (c->function.op != HEAP_ALLOC) {
		send_mapping(c->function.op, c, address);
	} else {
		if (c->old_address)
			count(HEAP_TAKEN, 1);
		if (c->old.key)
			sum_destroyed(&c->old);
		count(HEAP_GIVEN, 1);
		b.window = c->window;
		block_add(address, &b);
	}
}

static __always_inline void leave(struct pt_regs *ctx)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	const struct call *open = bpf_map_lookup_elem(&calls, &tid);
	struct call c;

	if (!open || open->window != window || PT_REGS_SP(ctx) != open->sp + 8)
		return;
	c = *open;
	bpf_map_delete_elem(&calls, &tid);
	leave_alloc(ctx, &c);
}

SEC("?uretprobe")
int heap_leave(struct pt_regs *ctx)
{
	u64 now;

	if (!is_target((void *)bpf_get_current_task()))
		return 0;
	now = bpf_ktime_get_ns();
	leave(ctx);
	count(HEAP_HITS, 1);
	count(HEAP_NS, bpf_ktime_get_ns() - now);
	return 0;
}

char LICENSE[] SEC("license")
= "GPL";
