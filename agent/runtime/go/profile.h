/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The heap profile that a Go program keeps of itself where something in it can ask for it
 * (net/http/pprof is linked): of each so many bytes that it allocates one object is followed, with
 * the stack that allocated it, from the start of the program on (src/runtime/mprof.go). A
 * collection publishes what the one before it found: readings without one between them are the
 * same.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "agent/sites/reader.h"

#define GO_PROFILE_SITES  400
#define GO_PROFILE_FRAMES 24 /* innermost ones; stacks that differ beyond are one site */

struct go_profile_request {
	uint32_t ask; /* GO_ASK_PROFILE of objects.h */
	uint32_t pad;
};

/* What one stack allocated since the start of the program. */
struct go_profile_site {
	uint64_t taken, freed;	   /* objects that were followed, and of these, found dead */
	uint64_t objects, bytes;   /* estimates from that of all that it allocated, */
	uint64_t live, live_bytes; /* and of what lives */
	uint32_t n, pad;
	/* One a call, inlined calls too: of each only the innermost place is meant. */
	uint64_t pcs[GO_PROFILE_FRAMES];
};

struct go_profile {
	uint32_t n;	 /* sites that are told, those with most live bytes */
	uint32_t sites;	 /* all that there are */
	uint32_t cycles; /* collections so far */
	uint32_t buckets;
	uint64_t rate;	     /* bytes to one object that is followed; 0: it is off */
	uint64_t rate_at;    /* address of that number; 0 when it is not known */
	uint64_t live_bytes; /* estimate, of all sites */
	uint64_t marked;     /* bytes that the last collection found alive, in truth */
	struct go_profile_site rows[GO_PROFILE_SITES]; /* received up to n */
};

_Static_assert(sizeof(struct go_profile_site) == 56 + 8 * GO_PROFILE_FRAMES, "wire format");
_Static_assert(sizeof(struct go_profile) < 120 * 1024, "a message holds it");

/* -ENODATA when the runtime's code does not lead to it, -EPROTO when it contradicts itself, -E2BIG
 * when there is more of it than is read at once, else as for every reader call. */
int go_profile_ask(struct reader *r, pid_t pid, struct go_profile *ret);

/* 0, or -EPIPE for an answer whose counts do not hold. */
int go_profile_check(const struct go_profile *p, size_t size);
