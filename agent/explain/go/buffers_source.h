/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the source of buffers share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/explain/go/buffers.h"
#include "agent/explain/source.h"
#include "agent/probe/watchpoint.h"

#define GOBUFFERS_WRITERS 8 /* buffers of each book that are asked who writes to them */

/* What is known of who writes to one. */
struct gobuffers_writer {
	struct gobuffers *book;
	const struct gobuffer *buffer; /* in the book, where rows stay */
	unsigned int tries;
	bool seen;
	struct watchpoint_hit hit;
};

struct gobuffers_source {
	const struct explain_options *options;
	struct reader *reader;
	char *module;			  /* path of the program, escaped */
	struct gobuffers book;		  /* the largest objects */
	struct gobuffers sample;	  /* of all but the smallest */
	uint64_t marked[GOBUFFERS_LOOKS]; /* bytes that lived, by the last collection before each
					   * of its looks; 0: not known */
	struct go_buffers reading;
	double due;
	struct gobuffers_writer writers[2 * GOBUFFERS_WRITERS];
	size_t n_writers;
	struct watchpoint *watchpoint;	  /* NULL: none is set */
	struct gobuffers_writer *watched; /* whom it is for */
	uint64_t watched_at;		  /* the address */
	uint64_t windows, hits;
	int refused; /* why no address can be watched here; 0 */
};

/* Append what single buffers and the sample tell. 0 or -errno. */
int gobuffers_findings(struct gobuffers_source *s, struct findings *ret);
