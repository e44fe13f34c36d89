/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wire format of the survivors topic: births of objects, each with the stack that made it. A
 * program that keeps frame pointers is walked by them (Go on amd64 since 1.7 does). The kernel only
 * writes births down, for the length of a window; user space takes them between windows, and
 * whoever knows the runtime says later which of them still live.
 */
#pragma once

#ifdef __bpf__
#include "bpf/vmlinux.h"
#else
#include <linux/types.h>
#endif

#define SURVIVOR_FRAMES 32

/* Births whose site is not known: no room for one more site. */
#define SURVIVOR_KEY_OTHER 1ULL

/*
 * Where the runtime keeps what a birth notes beside its address: the Go heap's map from addresses
 * to spans (runtime/mheap.go, spanOf: one level on linux/amd64, arenas of 64 MiB in pages of 8 KiB)
 * and its sweep generation. All 0 where objects have no size and no generation.
 */
struct survivor_heap {
	__u64 arenas;	  /* mheap_.arenas[0]: one pointer to a heapArena for each arena */
	__u64 generation; /* &mheap_.sweepgen */
	__u32 spans;	  /* offset in heapArena: a pointer to a span for each page */
	__u32 elemsize;	  /* offset in mspan */
	__u32 start;	  /* not 0: offset in mspan of the address of its first object; a result
			   * that is no object may be the span that was made for one */
	__u32 pad;
};

/* Which object a hit is about. */
struct survivor_object {
	__u32 argument;	    /* which one of the function: 0 is in rax too, where results are */
	__u32 flags_unless; /* of the processor: a hit with one of these is no birth */
	__u64 count_min; /* not 0: its first word is how many it holds, that is its size, and less
			  * is not written down */
	__u32 stamp;	 /* not 0: offset in it of what is noted as its generation instead */
	__u32 pad;
};

/* A call from one of these belongs to another probe, which sees it too. */
struct survivor_range {
	__u64 start, end; /* return addresses, end excluded */
};

struct survivor_birth {
	__u64 key;
	__u64 size;	  /* bytes that the object takes, 0: not known */
	__u64 born;	  /* ns, CLOCK_MONOTONIC */
	__u32 generation; /* of the collector, when it was born, or its stamp */
	__u32 pad;
};

/* One site key: its return addresses, innermost first, and what it made. */
struct survivor_site {
	__u64 pcs[SURVIVOR_FRAMES];
	__u32 frames;
	__u32 pad;
	__u64 created;
	__u64 created_bytes;
	__u64 reused; /* its address was given out again in the same window */
	__u64 reused_bytes;
};

enum survivor_counter {
	SURVIVOR_HITS,	  /* runs of the programs: one a trap */
	SURVIVOR_NS,	  /* that they ran */
	SURVIVOR_BIRTHS,  /* that were written down */
	SURVIVOR_BYTES,	  /* of those */
	SURVIVOR_OUTSIDE, /* results that are no object of the heap */
	SURVIVOR_COUNTERS
};

_Static_assert(sizeof(struct survivor_heap) == 32, "wire format");
_Static_assert(sizeof(struct survivor_object) == 24, "wire format");
_Static_assert(sizeof(struct survivor_birth) == 32, "wire format");
_Static_assert(sizeof(struct survivor_site) == 8 * SURVIVOR_FRAMES + 40, "wire format");
