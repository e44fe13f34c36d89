// SPDX-License-Identifier: GPL-2.0-only
/*
 * Births of objects in a program that keeps frame pointers. Both probes see the return address on
 * top of the stack and the caller's frame pointer in its register: the one sits on the return
 * instruction of an allocator, whose result is in rax; the other before the first push of a
 * function whose first argument, in rax (Go's own calling convention), is the object.
 *
 * Nothing is written into the target. There is no return probe: it would change the stack, which Go
 * moves.
 */
#include "bpf/vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/heap_target.bpf.h"
#include "bpf/lib/loss.bpf.h"
#include "bpf/lib/site_key.h"
#include "bpf/survivor.h"

#define ARENA_BITS 26
#define ARENA_BASE (1ULL << 47) /* addresses are sign-extended: index 0 is the lowest */
#define PAGE_BITS  13
#define PAGE_MASK  ((1ULL << (ARENA_BITS - PAGE_BITS)) - 1)
#define TINY_BYTES 16 /* blocks that hold several objects; an address is not its own */

const volatile struct survivor_heap heap;
const volatile struct survivor_range skipped;
const volatile struct survivor_object object;

/* Set by user space while a window is open. */
volatile __u32 armed;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 15);
	__type(key, u64);
	__type(value, struct survivor_birth);
} births SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, u64);
	__type(value, struct survivor_site);
} sites SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SURVIVOR_COUNTERS);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

static __always_inline void count(enum survivor_counter which, u64 n)
{
	u32 key = which;
	u64 *counter = bpf_map_lookup_elem(&counters, &key);

	if (counter)
		__sync_fetch_and_add(counter, n);
}

static __always_inline u64 user_word(u64 address)
{
	u64 word = 0;

	bpf_probe_read_user(&word, sizeof(word), (void *)address);
	return word;
}

/* The stack only grows shorter, so a walk ends. */
static __always_inline u64 walk(struct pt_regs *ctx, struct survivor_site *s)
{
	u64 bp = PT_REGS_FP(ctx), above = PT_REGS_SP(ctx), frame[2];
	u64 pc = user_word(above);
	struct site_key key = {};

	for (u32 i = 0; i < SURVIVOR_FRAMES; i++) {
		s->pcs[i] = pc;
		s->frames = i + 1;
		site_key_add(&key, pc);
		if (bp <= above || bpf_probe_read_user(frame, sizeof(frame), (void *)bp) < 0 ||
		    frame[1] == 0)
			return key.hash | 2;
		above = bp;
		bp = frame[0];
		pc = frame[1];
	}
	s->frames -= site_key_cut(&key, s->pcs, SURVIVOR_FRAMES);
	return key.hash | 2;
}

/* The span of an address: 0 when it is none of the heap's. */
static __always_inline u64 span_of(u64 address)
{
	u64 arena = user_word(heap.arenas + 8 * ((address + ARENA_BASE) >> ARENA_BITS));

	if (!arena)
		return 0;
	return user_word(arena + heap.spans + 8 * ((address >> PAGE_BITS) & PAGE_MASK));
}

/* Of a large object the runtime's function for it returns the span. */
static __always_inline u64 object_of(u64 result)
{
	if (!heap.start || span_of(result))
		return result;
	return user_word(result + heap.start);
}

static __always_inline bool measure(u64 address, struct survivor_birth *b)
{
	u64 generation = object.stamp ? address + object.stamp : heap.generation;
	u64 span;

	if (object.count_min) {
		b->size = user_word(address);
		return b->size >= object.count_min;
	}
	if (generation)
		bpf_probe_read_user(&b->generation, sizeof(b->generation), (void *)generation);
	if (!heap.arenas)
		return true;
	span = span_of(address);
	if (!span)
		return false;
	b->size = user_word(span + heap.elemsize);
	return true;
}

static __always_inline struct survivor_site *site_of(u64 *key, const struct survivor_site *fresh)
{
	struct survivor_site *s = bpf_map_lookup_elem(&sites, key);

	if (s)
		return s;
	if (bpf_map_update_elem(&sites, key, fresh, BPF_NOEXIST) < 0) {
		s = bpf_map_lookup_elem(&sites, key); /* another CPU was first */
		if (s)
			return s;
		loss_count(LOSS_MAP_FULL);
		*key = SURVIVOR_KEY_OTHER;
		return NULL;
	}
	return bpf_map_lookup_elem(&sites, key);
}

static __always_inline void replace(u64 address)
{
	const struct survivor_birth *old = bpf_map_lookup_elem(&births, &address);
	struct survivor_site *s;

	if (!old || old->size == TINY_BYTES)
		return;
	s = bpf_map_lookup_elem(&sites, &old->key);
	if (!s)
		return;
	__sync_fetch_and_add(&s->reused, 1);
	__sync_fetch_and_add(&s->reused_bytes, old->size);
}

static __always_inline void add_birth(u64 address, struct survivor_birth *b,
				      struct survivor_site *s)
{
	replace(address);
	if (bpf_map_update_elem(&births, &address, b, BPF_ANY) < 0) {
		loss_count(LOSS_MAP_FULL);
		return;
	}
	count(SURVIVOR_BIRTHS, 1);
	count(SURVIVOR_BYTES, b->size);
	if (!s)
		return;
	__sync_fetch_and_add(&s->created, 1);
	__sync_fetch_and_add(&s->created_bytes, b->size);
}

/* Where Go's calling convention has arguments. All are read first: the verifier wants registers
 * read at fixed places. */
static __always_inline u64 argument(struct pt_regs *ctx)
{
	u64 registers[8] = { ctx->ax, ctx->bx, ctx->cx, ctx->di, ctx->si, ctx->r8 };

	return registers[object.argument & 7];
}

static __always_inline void take(struct pt_regs *ctx, u64 now)
{
	struct survivor_birth b = { .born = now };
	struct survivor_site fresh = {};
	u64 address = object_of(argument(ctx));

	b.key = walk(ctx, &fresh);
	if (fresh.pcs[0] >= skipped.start && fresh.pcs[0] < skipped.end)
		return;
	if (!measure(address, &b)) {
		count(SURVIVOR_OUTSIDE, 1);
		return;
	}
	add_birth(address, &b, site_of(&b.key, &fresh));
}

SEC("?uprobe")
int survivor_birth(struct pt_regs *ctx)
{
	u64 now;

	if (!is_target((void *)bpf_get_current_task()))
		return 0;
	count(SURVIVOR_HITS, 1);
	if (!armed || (ctx->flags & object.flags_unless))
		return 0;
	now = bpf_ktime_get_ns();
	take(ctx, now);
	count(SURVIVOR_NS, bpf_ktime_get_ns() - now);
	return 0;
}

char LICENSE[] SEC("license")
= "GPL";
