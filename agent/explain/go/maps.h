/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maps that keys were assigned to while windows were open, each with its length over the watch. A
 * map that grows through all of it and never shrinks keeps what it gets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/survivor.h"

#define GOMAPS_MAX   4096
#define GOMAPS_SLOTS (2 * GOMAPS_MAX)
#define GOMAP_LOOKS  32
#define GOMAPS_LEAST 128 /* keys: smaller maps are not looked at */

struct gomap {
	uint64_t address; /* 0: free */
	uint64_t key;	  /* the site that assigned last */
	/* At each window that saw it; of later ones only the last. */
	double at[GOMAP_LOOKS];	    /* seconds of CLOCK_MONOTONIC */
	uint64_t keys[GOMAP_LOOKS]; /* that it held */
	unsigned int n;
	bool shrunk; /* it held fewer keys than at an earlier look */
};

struct gomaps {
	struct gomap *slots; /* owned, by address; NULL until the first */
	size_t n;
};

/* Enter the map of a birth whose size is its length; for survivor_take. 0 or -ENOMEM; where there
 * is no room, a new map is not followed. */
int gomaps_add(void *maps, uint64_t address, const struct survivor_birth *birth);
void gomaps_clear(struct gomaps *m);

/* Keys by which it is larger than at first. */
uint64_t gomap_grown(const struct gomap *m);

/* It grew in both halves of the time that it was seen and never shrank. Of a map that is old and
 * large that is little, and takes other evidence to be held against it. */
bool gomap_grows(const struct gomap *m);
/* And by a fifth of itself at least. */
bool gomap_keeps(const struct gomap *m);
