/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bounded reads of another process's memory, by a descriptor on its /proc/PID/mem. A read costs
 * about two microseconds whatever its size, so neighbours are read together. Only pages that are
 * there are read (pages.h). Everything that is read may lie, and change while it is read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/runtime/go/pages.h"
#include "agent/runtime/go/report.h"

#define GO_READ_BYTES 16384u /* of one read, at most */

struct go_memory {
	int fd; /* owned, as that of pages */
	struct go_pages pages;
	uint64_t deadline; /* CPU time of this process, nanoseconds: a busy host is no reason */
	uint64_t left;	   /* bytes that may still be read */
	uint64_t reads, bytes;
	struct go_unread unread;
	unsigned int looks; /* at the clock and at pages */
	bool swapped;	    /* what the last read met that was not there */
	bool gone;	    /* the address space is: the process ended, or runs another program */
	struct go_blocks *blocks; /* of what never changes; NULL until used */
};

/* Start to count and to limit anew: so much CPU time (nanoseconds), so many bytes. What waits
 * without end is the parent's to end. source: of the request that is answered. */
void go_memory_begin(struct go_memory *m, const struct source *source, uint64_t cpu,
		     uint64_t bytes);
/* CPU time of this process, nanoseconds. */
uint64_t go_cpu_ns(void);
/* Closes the descriptors too. */
void go_memory_free(struct go_memory *m);
/* Forget what go_memory_fixed has read. */
void go_memory_drop_blocks(struct go_memory *m);

/* 0; -EFAULT when nothing is mapped there, -ENXIO when its pages are not all in memory (pages.h),
 * -ESRCH when the address space is gone, -ETIME when the deadline or the budget is over. */
int go_memory_read(struct go_memory *m, uint64_t address, void *dst, size_t size);
int go_memory_word(struct go_memory *m, uint64_t address, uint64_t *ret);

/* The same for code and tables, which never change: read once, in blocks. */
int go_memory_fixed(struct go_memory *m, uint64_t address, void *dst, size_t size);
/* A terminated string of that kind, cut to fit; always terminated. */
int go_memory_string(struct go_memory *m, uint64_t address, char *dst, size_t size);

/*
 * Memory of our own for one scan after the other: fresh pages cost more than reading into them.
 * Each use has one buffer, which its next use takes over. NULL when there is no memory.
 */
enum go_scratch {
	GO_SCRATCH_LIST,
	GO_SCRATCH_ITEMS,
	GO_SCRATCH_SORT,
	GO_SCRATCH_GROUPS, /* of goroutines: kept from one scan to the next, so nobody else's */
	GO_SCRATCH_SPANS,
	GO_SCRATCH_MAX
};
void *go_scratch(enum go_scratch use, size_t size);

/* An object to be read, and what its reader wants to know it by. */
struct go_item {
	uint64_t address, tag;
};

/*
 * Read n objects of one size, in whatever order is cheapest; items are sorted for it. take is
 * called for each that could be read. 0 or -ETIME, -ESRCH; what is not there is counted in unread.
 */
typedef void (*go_take)(void *context, const struct go_item *item, const uint8_t *bytes);
int go_gather(struct go_memory *m, struct go_item *items, size_t n, size_t size, go_take take,
	      void *context);

/* How many could not be had since the begin, since their pages are not there. */
static inline uint64_t go_memory_away(const struct go_memory *m)
{
	return m->unread.absent + m->unread.swapped;
}

/* go_gather for what is counted: -ENXIO when the pages of more than one in 64 are not there;
 * *ret_away: of how many. */
int go_gather_most(struct go_memory *m, struct go_item *items, size_t n, size_t size, go_take take,
		   void *context, uint64_t *ret_away);

static inline uint64_t go_u64(const uint8_t *bytes)
{
	uint64_t v;

	__builtin_memcpy(&v, bytes, sizeof(v));
	return v;
}

static inline uint32_t go_u32(const uint8_t *bytes)
{
	uint32_t v;

	__builtin_memcpy(&v, bytes, sizeof(v));
	return v;
}
