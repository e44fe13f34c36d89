/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The key of a site: a sum over the places of its stack, innermost first.
 *
 * A function that calls itself stands on the stack as often as it is deep, from one place of its
 * code or from two (the sides of a tree). Were each depth a site of its own, none would have
 * enough to be judged by: a place that was among the last few counts once. Where such a stack is
 * cut, chance says how many of the callers behind the function are still seen; a few of them are
 * left out.
 */
#pragma once

#ifdef __bpf__
#include "bpf/vmlinux.h"
#else
#include <linux/types.h>
#endif

#define SITE_KEY_RECENT 3
#define SITE_KEY_BEHIND 8 /* fewer callers than these are left out */

/* Nothing here counts places: the verifier would follow each count for itself. */
struct site_key {
	__u64 hash, recent[SITE_KEY_RECENT];
	__u64 again, before; /* the last place that counted no more, and the sum then; 0: none */
};

static inline __attribute__((always_inline)) void site_key_add(struct site_key *k, __u64 pc)
{
	if (pc == k->recent[0] || pc == k->recent[1] || pc == k->recent[2]) {
		k->again = pc;
		k->before = k->hash;
		return;
	}
	k->recent[2] = k->recent[1];
	k->recent[1] = k->recent[0];
	k->recent[0] = pc;
	k->hash = (k->hash ^ pc) * 0x9e3779b97f4a7c15ULL;
	k->hash ^= k->hash >> 29;
}

/* There was more of the stack than these n places, SITE_KEY_BEHIND or more: leave out those that
 * chance lets be seen. How many that is. */
static inline __attribute__((always_inline)) __u32 site_key_cut(struct site_key *k,
								const __u64 *pcs, __u32 n)
{
	for (__u32 i = 0; i < SITE_KEY_BEHIND && k->before; i++) {
		if (pcs[n - 1 - i] != k->again)
			continue;
		k->hash = k->before;
		return i;
	}
	return 0;
}
