/* SPDX-License-Identifier: GPL-2.0-only */
/* The large channels of a Go program over the pulls of one watch: how far each was filled. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/explain/go/sites.h"
#include "agent/model/finding.h"
#include "agent/runtime/go/report.h"

#define GOCHANNELS_MAX (4 * GO_CHANNELS_MAX)

struct gochannel {
	uint64_t address, capacity; /* what it is known by */
	unsigned int n;		    /* pulls that saw it */
	double at[GO_PULLS];	    /* seconds since the first pull of the watch */
	uint64_t items[GO_PULLS];
	uint64_t sent_at, taken_at; /* at the last of them */
	uint64_t sent, taken;	    /* items, since the first of them */
};

struct gochannels {
	struct gochannel rows[GOCHANNELS_MAX];
	size_t n;
};

/* Enter the channels of a pull; where there is no room, new ones are not followed. */
void gochannels_add(struct gochannels *c, const struct go_report *r, double at);
/* NULL when no pull saw it. */
const struct gochannel *gochannels_find(const struct gochannels *c, const struct go_channel *of);

/*
 * Keeps: it stands filled to half or more all the time, or it fills, in each third of the watch
 * beyond where it was in the one before, without ever falling back by much. One that nobody took
 * from meanwhile fills only if nobody ever took: else its taker may come once a minute.
 * Returns: it was drained to half of its most, or is empty.
 */
enum site_verdict gochannel_judge(const struct gochannel *c);
/* Items an hour, NAN after one pull. */
double gochannel_growth(const struct gochannel *c);
