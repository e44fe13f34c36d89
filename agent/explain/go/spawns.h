/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who starts goroutines: the stacks of go statements, seen in windows. What a library's goroutine
 * holds is so told by who called the library: grpc.Dial, a Redis client, a http.Transport start
 * goroutines, and no frame of theirs is the program's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/model/finding.h"
#include "bpf/survivor.h"

#define GOSPAWNS_MAX 256 /* stacks that are followed */

/* Goroutines that were started from one stack. */
struct gospawn {
	uint64_t key;		   /* of the kernel's table */
	uint64_t pc;		   /* where the go statement's call returns to */
	uint64_t started;	   /* while windows were open */
	struct site_frame *frames; /* owned; the innermost are the go statement's */
	size_t n_frames;
};

struct gospawns {
	struct gospawn rows[GOSPAWNS_MAX];
	size_t n;
	double watched; /* seconds that windows were open */
};

/* Note the stack of a birth. As survivor_take() wants it; what finds no room is not followed. */
int gospawns_add(void *spawns, uint64_t address, const struct survivor_birth *birth);
void gospawns_clear(struct gospawns *s);

/* What the goroutine of a whole stack runs: the function above the runtime's last. NULL where the
 * stack was cut. */
const char *gospawns_first_function(const struct finding *f);

/*
 * Append to a finding's stack who started its goroutine, and who that one's, as far as it is known
 * and sure: of the stacks that reach one go statement that of most, where the finding keeps more
 * than the others start. Else a busy caller that gives back would be named for a rare one that does
 * not. seconds: how long it was watched. 0 or -ENOMEM.
 */
int gospawns_extend(const struct gospawns *s, double seconds, struct finding *f);
