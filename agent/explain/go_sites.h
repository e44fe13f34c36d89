/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Go statements over the pulls of one watch. Goroutine ids ascend, so each pull tells the
 * goroutines apart by the pull before which they were born, with nothing kept for each of them:
 * of those that were born between two pulls, how many still live at each later one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/model/finding.h"
#include "agent/runtime/go/report.h"

#define GO_PULLS (GO_SLICES + 1) /* the first one parts what was there from what came */

struct go_site {
	uint64_t made, start; /* code addresses: the go statement, the function */
	uint32_t live[GO_PULLS];
	uint32_t by_birth[GO_PULLS][GO_PULLS]; /* [pull][pull before which they were born] */
	uint32_t leaked;		       /* at the last pull, as the runtime says itself */
	uint64_t stack_bytes;		       /* at the last pull */
};

struct go_sites {
	struct go_site *rows;
	size_t n, capacity;
	unsigned int pulls;
	uint64_t last_goid[GO_PULLS]; /* of each pull */
	double at[GO_PULLS];	      /* seconds since the first */
};

/* What to ask at the next pull, to be able to tell births apart. */
void go_sites_ask(const struct go_sites *s, struct go_request *ret);
/* Enter a pull; at: seconds since the first. 0, -ENOMEM, or -E2BIG after GO_PULLS. */
int go_sites_add(struct go_sites *s, const struct go_report *r, double at);
void go_sites_clear(struct go_sites *s);

struct go_judgement {
	enum site_verdict verdict;
	uint64_t live, created, destroyed; /* created: as far as they lived at some pull */
	double growth_per_hour;		   /* NAN after one pull */
};
void go_sites_judge(const struct go_sites *s, const struct go_site *site, struct go_judgement *ret);
