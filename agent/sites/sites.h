/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who took what: a site is (resource and kind, call stack), an object is what was taken there, by
 * the key that names it while it lives. At the end each site is judged by how its objects lived.
 *
 * Knows no BPF. Times are seconds on the caller's clock and never fall.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/model/finding.h"
#include "agent/model/resource.h"

#define SITES_MAX   4096
#define SITES_PARTS 4 /* of the watch, each with its lowest live count */

struct sites;

/* One object's life. died is INFINITY while it lives; born is -INFINITY if it is older than the
 * watch. */
struct site_life {
	double born, died;
	uint64_t key, bytes;
	uint32_t weight; /* creations that it stands for */
};

struct site {
	enum seep_slot slot;
	const char *reason; /* static: why there is no stack or what else to know, or NULL */
	uint64_t *pcs;
	size_t n_pcs;
	struct site_frame *frames; /* what the addresses are called, once somebody asked; owned */
	size_t n_frames;
	struct site_life *lives;
	size_t n_lives, capacity;
	struct site *next; /* all sites, newest first */
	struct site *next_hash;
};

struct site_report {
	uint64_t created, destroyed, live, live_bytes; /* weights summed */
	uint32_t sampled;
	double oldest;		/* seconds, NAN if nothing lives or its age is unknown */
	double growth_per_hour; /* slope of the lows */
	double lows[SITES_PARTS];
	enum site_verdict verdict;
};

int sites_new(struct sites **ret);
void sites_free(struct sites *s);

/* Find or make a site. NULL when there are SITES_MAX or memory is out. */
struct site *sites_get(struct sites *s, enum seep_slot slot, const char *reason,
		       const uint64_t *pcs, size_t n);
struct site *sites_first(const struct sites *s);

/* An object begins. If the key lives already, that one ends first. 0 or -ENOMEM. */
int sites_create(struct sites *s, struct site *site, const struct site_life *life);
/* The object ends; false if the key is not known. */
bool sites_destroy(struct sites *s, uint64_t key, double now);
/* The living object of a key and its site, or NULL; valid until the next create. */
struct site_life *sites_find(struct sites *s, uint64_t key, struct site **ret_site);

/* Call f for every living object. f may end that object and make another of the same class; whether
 * f sees the new one is open. life is valid until then. */
void sites_each(struct sites *s,
		void (*f)(void *context, struct site *site, struct site_life *life), void *context);

/*
 * Judge a site over a watch from start to end.
 *
 * `keeps` must not be said lightly: a server under steady load opens connections and holds them. It
 * needs a lowest live count that rises from quarter to quarter, as fast at the end as at the
 * beginning, and more that come and stay in the last quarter; objects of the first half that do not
 * go away in the last quarter, and that the process as a whole holds more of the kind (older ones
 * may be given back meanwhile). `returns`: four in five of its objects, or nine in ten of those of
 * the first half, were given back.
 */
void sites_judge(const struct sites *s, const struct site *site, double start, double end,
		 struct site_report *ret);
