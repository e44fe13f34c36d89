/* SPDX-License-Identifier: GPL-2.0-only */
/* The books of the heap programs: which blocks live, and what each site took and gave back. */
#pragma once

#include "bpf/heap_sites.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 17);
	__type(key, u64);
	__type(value, struct heap_block);
} blocks SEC(".maps");

/* Of the window that is open, or that was last; set by user space, from 1. */
volatile __u32 window;

static __always_inline void sum_created(const struct heap_block *b)
{
	struct heap_sums *s = sums_of(b->key);

	if (!s)
		return;
	__sync_fetch_and_add(&s->created, 1);
	__sync_fetch_and_add(&s->created_bytes, b->size);
}

static __always_inline void sum_destroyed(const struct heap_block *b)
{
	struct heap_sums *s = sums_of(b->key);

	if (!s)
		return;
	__sync_fetch_and_add(&s->destroyed, 1);
	__sync_fetch_and_add(&s->destroyed_bytes, b->size);
	if (b->window == window)
		__sync_fetch_and_add(&s->transient, 1);
}

/* The address is given out again, so its last owner was freed while nobody looked. */
static __always_inline void sum_reused(u64 address)
{
	const struct heap_block *b = bpf_map_lookup_elem(&blocks, &address);
	struct heap_sums *s = b ? bpf_map_lookup_elem(&sums, &b->key) : NULL;

	if (!s)
		return;
	__sync_fetch_and_add(&s->reused, 1);
	__sync_fetch_and_add(&s->reused_bytes, b->size);
}

static __always_inline void block_add(u64 address, const struct heap_block *b)
{
	sum_reused(address);
	if (bpf_map_update_elem(&blocks, &address, b, BPF_ANY) < 0)
		loss_count(LOSS_MAP_FULL);
	else
		sum_created(b);
}

/* Forget a block; what it was stays in *ret. The value is copied before it is deleted. */
static __always_inline bool block_take(u64 address, struct heap_block *ret)
{
	const struct heap_block *b = bpf_map_lookup_elem(&blocks, &address);

	if (!b)
		return false;
	*ret = *b;
	return bpf_map_delete_elem(&blocks, &address) == 0;
}
