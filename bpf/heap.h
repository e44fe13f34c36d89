/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wire format of the heap topic. Each allocation has a site key: a hash of its return addresses,
 * walked in the kernel by learned frame rules (bpf/lib/frame.h), so that counts are summed under
 * the key and nothing is streamed but each key's first sight.
 *
 * What a key can confuse: two paths whose innermost HEAP_FRAMES return addresses are equal. While a
 * rule is not learned yet, the walk stops early; such a key (HEAP_KEY_PARTIAL) also holds the depth
 * of the stack, and two paths of equal depth below the same known frames would share it. Events
 * under partial keys are counted. The key of a walk that ended at a FRAME_STOP is a full one.
 */
#pragma once

#include "bpf/lib/stack.h"
#include "bpf/lib/frame.h"

#define HEAP_FRAMES  32
#define HEAP_RETURNS 256 /* places that calls of the allocator return to */

/* The lowest bit of a key tells that the walk met an address without a rule. */
#define HEAP_KEY_PARTIAL 1ULL
/* Events whose site is not known: no room for one more site. */
#define HEAP_KEY_OTHER 2ULL

enum heap_op {
	HEAP_ALLOC = 1, /* gives a block; with old_arg it takes one back, like realloc */
	HEAP_FREE,
	HEAP_MAP,
	HEAP_UNMAP,
	HEAP_REMAP,
};

/* What the arguments of one probed function mean; arguments count from 1, 0 is none. */
struct heap_function {
	__u8 op;
	__u8 size_arg;
	__u8 count_arg;	 /* multiplies the size */
	__u8 old_arg;	 /* the block or range that is given back */
	__u8 result_arg; /* the result is stored through this pointer, not returned */
	__u8 old_size_arg;
	__u8 pad[2];
};

/* A live block, under its address. */
struct heap_block {
	__u64 key;
	__u64 size; /* as asked for */
	__u64 born; /* ns, CLOCK_MONOTONIC */
	__u32 window;
	__u32 pad;
};

/* Sums of one site key. */
struct heap_sums {
	__u64 created;
	__u64 created_bytes;
	__u64 destroyed; /* seen being freed */
	__u64 destroyed_bytes;
	__u64 transient; /* of those: freed in the window of their birth */
	__u64 reused;	 /* the address was given out again: freed while nobody looked */
	__u64 reused_bytes;
	__u32 named; /* the site was sent */
	__u32 pad;
};

/* Beside the losses, which are in bpf/lib/loss.bpf.h's map. */
enum heap_counter {
	HEAP_HITS,	    /* runs of the programs: one a trap */
	HEAP_NS,	    /* that they ran */
	HEAP_GIVEN,	    /* blocks */
	HEAP_TAKEN,	    /* blocks that were given back, of whatever age */
	HEAP_UNKNOWN_FREES, /* of blocks from before the attach, or born unseen */
	HEAP_FAILED,	    /* allocations that the program was refused */
	HEAP_PARTIAL,	    /* events under partial keys */
	HEAP_COUNTERS
};

enum heap_event_type { HEAP_SITE = 1, HEAP_STACK, HEAP_MAPPING };

/* The first sight of a full key: its return addresses, innermost first. */
struct heap_site_event {
	__u32 type;
	__u32 frames;
	__u64 key;
	__u64 pcs[HEAP_FRAMES];
};

/* The first sight of a partial key: the stack at the function's entry, its rip the first return
 * address and its rsp just above that, as if the allocator had returned. */
struct heap_stack_event {
	__u32 type;
	__u32 pad;
	__u64 key;
	struct stack_copy stack;
};

/* Mappings are rare; user space keeps their books, since a part of one can be given back. */
struct heap_mapping_event {
	__u32 type;
	__u32 op;
	__u64 key;
	__u64 address; /* MAP and REMAP: the new range */
	__u64 size;
	__u64 old_address; /* UNMAP and REMAP: what is given back */
	__u64 old_size;
	__u64 time; /* ns, CLOCK_MONOTONIC */
};

_Static_assert(sizeof(struct heap_function) == 8, "wire format");
_Static_assert(sizeof(struct heap_block) == 32, "wire format");
_Static_assert(sizeof(struct heap_sums) == 64, "wire format");
_Static_assert(sizeof(struct heap_site_event) == 16 + 8 * HEAP_FRAMES, "wire format");
_Static_assert(sizeof(struct heap_mapping_event) == 56, "wire format");
