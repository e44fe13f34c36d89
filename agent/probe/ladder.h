/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The attach ladder: a topic lists its rungs, best first, and takes the best one that the host
 * allows. What a host lacks is found by trying, never by version numbers or kernel symbols.
 */
#pragma once

#include "agent/model/model.h"

struct bpf_object;
struct bpf_object_skeleton;

#define LADDER_RUNGS 3

struct ladder_rung {
	const char *name;    /* "tp_btf", "fentry", "kprobe" */
	const char *program; /* of the object, opt-in */
};

struct ladder {
	const char *topic;
	struct ladder_rung rungs[LADDER_RUNGS]; /* best first; ended by one without name */
};

/* What a topic holds while it is attached. */
struct ladder_hold {
	const struct ladder_rung *rung; /* NULL: none was allowed */
	char reason[160];		/* why each better one was refused, "" for none */
};

/*
 * Try the rungs from the best: attempt() opens, loads and attaches an object with only that
 * program on, and returns 0 or negative errno. The environment variable SEEP_RUNG names the one
 * rung to be tried, for tests.
 */
struct ladder_hold ladder_climb(const struct ladder *l,
				int (*attempt)(const char *program, void *context), void *context);

/* Record in the model what was taken, and why nothing better. */
void ladder_record(const struct ladder *l, const struct ladder_hold *h, struct model *m);
