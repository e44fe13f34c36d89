/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the state directory told: series and whose they are. A journal is replayed into it, then a
 * model that had its first census takes what fits.
 */
#pragma once

#include <stdbool.h>

#include "agent/state/owner.h"

#define BOOT_ID_SIZE 40

struct saved_series {
	struct series *series; /* NULL: of a slot that this build does not know */
	float value;	       /* added last; NAN when it was not known */
	uint32_t owner;
	uint8_t slot;
};

struct saved {
	double now, window;
	uint64_t generation;
	char boot_id[BOOT_ID_SIZE];
	uint8_t slots[UINT8_MAX + 1]; /* ours for each of the file's; SLOT_MAX for unknown */
	struct owner *owners;
	struct saved_series *series; /* by number less one */
	size_t n_owners, max_owners, n_series, max_series;
};

void saved_free(struct saved *s);

/* Take the owner; the series that follow are its own. 0 or -ENOMEM. */
int saved_add_owner(struct saved *s, struct owner *o);
/* Take the series; of the last owner, slot as in the file. 0 or -ENOMEM. */
int saved_add_series(struct saved *s, uint8_t slot, struct series *series, float value);

/*
 * Take all owners that stand there and their series, each of which get reads and adds; whose: the
 * kind of its owner. 0, what get failed with, or as owner_get.
 */
typedef int (*saved_get_series)(struct cursor *c, struct saved *s, enum owner_kind whose);
int saved_get_owners(struct cursor *c, struct saved *s, saved_get_series get);

/* A census later: each series whose value is known gets it. */
void saved_pass(struct saved *s, double now);

/*
 * Give the model, after its first census, what is known of those it has; of groups all. Processes
 * and namespaces only when same_boot. Returns how many series found their place.
 */
size_t saved_adopt(struct saved *s, struct model *m, bool same_boot);
