/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a Go program holds over the pulls of one watch, by site: of the objects that were born
 * between two pulls, how many still live at each later one. Goroutine ids ascend, so that each pull
 * tells goroutines apart by age with nothing kept for each of them; of timers a sample is followed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/model/finding.h"
#include "agent/runtime/go/report.h"

#define GO_PULLS (GO_SLICES + 1) /* the first one parts what was there from what came */

typedef uint32_t go_cohorts[GO_PULLS][GO_PULLS];

struct go_site {
	uint64_t key[2]; /* of goroutines: code addresses of the go statement and the function; of
			  * timers: that of the callback, and kind and period */
	uint64_t live[GO_PULLS];
	/* Of the sample: [pull][pull before which they were born]. */
	go_cohorts by_birth;
	go_cohorts waiting;   /* of goroutines: those of them that waited for others at that pull */
	uint32_t leaked;      /* at the last pull, as the runtime says itself */
	uint64_t stack_bytes; /* at the last pull */
	double longest;	      /* of timers: seconds that any of them had left at a pull, at most */
};

struct go_sites {
	struct go_site *rows;
	size_t n, capacity;
	unsigned int pulls;
	double at[GO_PULLS];	      /* seconds since the first */
	uint64_t last_goid[GO_PULLS]; /* of each pull */

	/* Of timers: the sample's lives, by identity; 1 in sampled is in it. */
	struct go_life *lives;
	size_t n_lives;
	uint64_t sampled; /* 0 and 1: all are in it */
};

struct go_life {
	uint64_t identity;
	uint32_t site;	    /* in rows */
	uint8_t born, last; /* pulls that saw it first and last */
};

/* What to ask at the next pull, to be able to tell births apart. */
void go_sites_ask(const struct go_sites *s, struct go_request *ret);
/* Enter the goroutines, or the timers, of a pull; at: seconds since the first. 0, -ENOMEM, or
 * -E2BIG after GO_PULLS. A table takes one or the other. */
int go_sites_add(struct go_sites *s, const struct go_report *r, double at);
int go_sites_add_timers(struct go_sites *s, const struct go_report *r, double at);
/* After the last pull, before judging. */
void go_sites_settle(struct go_sites *s);
/* The row of that key, added when it is new; NULL when there are too many, or no memory. */
struct go_site *go_sites_get(struct go_sites *s, const uint64_t key[2]);
/* The key of a row of a report. */
void go_group_key(const struct go_report *r, const struct go_group *g, uint64_t ret[2]);
void go_timer_key(const struct go_report *r, const struct go_timer *t, uint64_t ret[2]);
void go_sites_clear(struct go_sites *s);

struct go_judgement {
	enum site_verdict verdict;
	uint64_t live, created, destroyed; /* created: as far as they lived at some pull */
	uint64_t ended;			   /* of those that outlived a pull, in the sample */
	uint64_t freed; /* of goroutines that waited for others, and do not any more */
	/* Of timers: there are more and more, and for so long that each must have fired several
	 * times. Either more are made, or they make each other (chains.h). */
	bool piles_up;
	double growth_per_hour; /* NAN after one pull */
};
void go_sites_judge(const struct go_sites *s, const struct go_site *site, struct go_judgement *ret);
