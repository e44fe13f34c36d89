/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pools of connections of a Go program over the pulls of one watch: what each held at most and at
 * least, what it opened and closed, who used it.
 */
#pragma once

#include "agent/model/finding.h"
#include "agent/runtime/go/report.h"

struct gopool {
	struct go_pool last;  /* its code references are of no report any more */
	uint64_t most, least; /* connections that were open, of the pulls */
	uint64_t open_first, closed_first, idle_closed_first;
	unsigned int pulls;
	struct site_frame *frames; /* who opened it or uses it, innermost first */
	size_t n_frames;
};

struct gopools {
	struct gopool rows[GO_POOLS_MAX];
	size_t n;
	unsigned int pulls;
};

/* Enter a report in which they were read. module: the path of the program, escaped. 0 or -ENOMEM.
 */
int gopools_add(struct gopools *p, const struct go_report *r, const char *module);
void gopools_clear(struct gopools *p);

/* Whether a pool without a limit is a mistake: the load decides what the server has to bear. */
bool gopool_follows_load(const struct gopool *p);

/* Append a finding for each. 0 or -ENOMEM. */
int gopools_findings(const struct gopools *p, struct findings *ret);
