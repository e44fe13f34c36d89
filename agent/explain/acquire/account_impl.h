/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the account share: account.c (events), mappings.c, settle.c (the truth). */
#pragma once

#include "agent/explain/acquire/account.h"
#include "agent/explain/naming.h"
#include "agent/explain/acquire/truth.h"

/* What /proc showed of a class; events may have come since it began, and their objects are theirs.
 */
struct look {
	struct truth truth;
	double began; /* seconds of CLOCK_MONOTONIC */
	bool done;
};

struct account {
	pid_t pid;
	struct reader *reader;
	struct sites *sites;
	struct shapes *shapes;
	struct naming naming;
	double seeded; /* when the look at the past was over */
	struct look looks[ACQUIRE_CLASS_MAX];
	bool sampled[ACQUIRE_CLASS_MAX];
	uint64_t lost[LOSS_REASON_MAX];
};

static inline double event_seconds(const struct acquire_event *e)
{
	return (double)e->time / 1e9;
}

/* site may be NULL, which is counted. */
void account_add(struct account *a, struct site *site, uint64_t key, double born, uint32_t weight,
		 uint64_t bytes);

/* End the objects of a class whose numbers lie in from..to. */
void account_end_range(struct account *a, uint64_t class, uint64_t from, uint64_t to, double now);

/* mmap, munmap, mremap, brk; site is that of the caller or NULL for what takes nothing. */
void account_mapping(struct account *a, const struct acquire_event *e, struct site *site);

/* Another program was executed: end the descriptors that were closed, and the watches of those. */
void account_executed(struct account *a);
