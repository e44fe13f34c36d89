/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The heap profile of a Go program over one watch: what each of its sites held at readings that
 * collections part. See agent/runtime/go/profile.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/model/finding.h"
#include "agent/runtime/go/profile.h"

#define GOPROFILE_LOOKS 16

struct goprofile_site {
	uint64_t live[GOPROFILE_LOOKS]; /* of the objects that are followed, at each look */
	struct go_profile_site first;	/* all zero for one that came later */
	struct go_profile_site last;	/* at the look `seen` */
	unsigned int seen;
	bool unsure; /* it came after a look that left sites out */
};

struct goprofile {
	struct goprofile_site *rows; /* owned */
	size_t n, capacity;
	unsigned int looks;	    /* readings with collections between them */
	double at[GOPROFILE_LOOKS]; /* seconds */
	uint32_t cycles;	    /* at the last of them */
	uint64_t rate;		    /* of the last reading */
	uint64_t live_bytes;
	uint64_t marked, first_marked; /* bytes that the collector found alive */
	bool truncated;		       /* the last look left sites out */
	bool switched;		       /* it tells of what came since it was switched on */
};

struct goprofile_judgement {
	enum site_verdict verdict;
	uint64_t came, went;	      /* objects followed that came, and that went, in the watch */
	double grown;		      /* bytes by which what lives became more, estimate */
	double growth_per_hour;	      /* objects, */
	double growth_bytes_per_hour; /* and bytes; NAN after one look */
};

/* Enter a reading, of which one that no collection parts from the last tells nothing; at: seconds.
 * 0 or -ENOMEM. */
int goprofile_add(struct goprofile *p, const struct go_profile *reading, double at);
void goprofile_clear(struct goprofile *p);

/*
 * A judgement for each row. A site keeps when more of it lives all through the last third of the
 * watch than ever in the first, both halves had their part in that, and it is no chance of which
 * objects are followed: it is three standard errors of all that came and went, or of a site that
 * since the start of the program gave next to nothing back. And when the heap grew by a tenth of
 * what the keepers kept, at least.
 */
void goprofile_judge(const struct goprofile *p, struct goprofile_judgement *ret);
