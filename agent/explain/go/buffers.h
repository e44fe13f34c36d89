/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects of a Go program over one watch, each by how far it is filled
 * (runtime/go/buffers.h). One that is written to further and further all through it, and that
 * nothing is dropped from, is a buffer that only grows: a slice that is appended to, a bytes.Buffer
 * that is never reset.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/model/finding.h"
#include "agent/runtime/go/buffers.h"

#define GOBUFFERS_MAX	256
#define GOBUFFERS_LOOKS 24

struct gobuffer {
	uint64_t address, bytes, head;	  /* at the last look that saw it */
	uint64_t filled[GOBUFFERS_LOOKS]; /* bytes */
	unsigned int first, last;	  /* looks that saw it, without a gap */
	bool shrunk;			  /* less was filled than at a look before */
	/* Its beginning is in use: it moved into a larger object as it was, or whoever wrote to it
	 * counted from there. */
	bool whole;
	bool moved; /* the former, in this watch */
};

struct gobuffers {
	struct gobuffer rows[GOBUFFERS_MAX];
	size_t n;
	unsigned int looks;
	double at[GOBUFFERS_LOOKS]; /* seconds */
};

/* Enter n objects, GO_BUFFERS_MAX at most, that a look saw; at: seconds. One that finds no room is
 * not followed; of too many looks only the first are kept. */
void gobuffers_add(struct gobuffers *b, const struct go_buffer *seen, size_t n, double at);

/* The last look saw it. */
bool gobuffer_is_current(const struct gobuffers *b, const struct gobuffer *row);

/* More of it is filled in both halves of the watch, so far, never less, and by 64 KiB at least. */
bool gobuffer_grows(const struct gobuffers *b, const struct gobuffer *row);

/* The same of an object of any size: by 64 bytes at least, and for a third of the watch. */
bool gobuffer_fills(const struct gobuffers *b, const struct gobuffer *row);

/* Bytes by which more of it is filled than at first. */
uint64_t gobuffer_grown(const struct gobuffer *row);

/* A second; 0 before the second look. */
double gobuffer_rate(const struct gobuffers *b, const struct gobuffer *row);

/*
 * It grows, and its beginning is known to be in use. Else it can be a window that slides over an
 * array (s = s[1:]), whose items are copied into a new one at its end. And it has moved, or is as
 * full as one that was moved into: else the program made it as large as it is, for a ring or a
 * batch, and fills it for the first time.
 */
bool gobuffer_keeps(const struct gobuffers *b, const struct gobuffer *row);

typedef bool (*gobuffer_is)(const struct gobuffers *b, const struct gobuffer *row);
size_t gobuffers_count(const struct gobuffers *b, gobuffer_is is);

/* Of a sample by bytes: whether those that fill (gobuffer_fills) are so many bytes of the heap that
 * they can be what it has grown by, both in bytes. An array is as large as what was put into it. */
bool gobuffers_explain(const struct gobuffers *b, double heap, double grown);
