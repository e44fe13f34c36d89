/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects of a Go program's heap, and how far each is filled: an array that append or bytes.Buffer
 * writes to has nothing but zeros behind its last item, since growslice and mallocgc clear what
 * they hand out (src/runtime/slice.go). So from outside a buffer's length is seen without knowing
 * who has it. The largest are told, and a sample of all but the smallest: many small arrays that
 * each grow a little.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "agent/sites/reader.h"

#define GO_BUFFERS_LARGEST 64
#define GO_BUFFERS_SAMPLED 192
#define GO_BUFFERS_MAX	   (GO_BUFFERS_LARGEST + GO_BUFFERS_SAMPLED)

struct go_buffers_request {
	uint32_t ask; /* GO_ASK_BUFFERS of objects.h */
	uint32_t pad;
};

struct go_buffer {
	uint64_t address, bytes;
	uint64_t filled; /* bytes up to the last one that is not zero */
	uint64_t head; /* a sum over the first bytes, 0 when they are zeros: a copy has the same */
};

struct go_buffers {
	uint32_t n, largest;  /* rows, and how many of them, the first ones, are the largest */
	uint64_t heap_marked; /* bytes that the last collection found alive; 0 before the first, or
			       * when not known */
	/* The rest is the sample: one object of each span, of the spans that a hash of their
	 * addresses picks by their bytes, each time the same as long as they are there. One of the
	 * largest can be in it too. Received up to n. */
	struct go_buffer rows[GO_BUFFERS_MAX];
};

_Static_assert(sizeof(struct go_buffer) == 32, "wire format");

/* -ENODATA when the heap is not as known, else as for every reader call. */
int go_buffers_ask(struct reader *r, pid_t pid, struct go_buffers *ret);

/* 0, or -EPIPE for an answer whose counts do not hold. */
int go_buffers_check(const struct go_buffers *b, size_t size);
