/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The book of survivors: objects that were seen being born in windows, each with its site, and what
 * an oracle says of them later. The oracle knows the runtime (the marks of Go's collector, its
 * heaps of timers); the book knows what a history of its answers means.
 *
 * An address can be given out again. A birth at an address in the book is the death of who was
 * there. Where nobody saw the new birth, the oracle would call the dead one alive; that needs a
 * death between two of its answers, so who was asked after each generation is known for sure, and
 * the others are doubtful: they count where few of their site die, and not where they may all be
 * in slots that another site's objects of that size fill.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/probe/heap.h"
#include "bpf/survivor.h"

#define SURVIVORS_MAX (1u << 17)

enum survivor_fate { SURVIVOR_UNKNOWN, SURVIVOR_ALIVE, SURVIVOR_DEAD };

struct survivor_query {
	uint64_t address, size;
	uint32_t generation; /* at the birth, or of the last answer */
	uint32_t pad;
};

struct survivor_answer {
	enum survivor_fate fate;
	uint32_t generation; /* of which the oracle knows it */
};

struct survivor_oracle {
	/* Answer about n objects, ascending by address. 0 or -errno. */
	int (*ask)(void *context, const struct survivor_query *queries, size_t n,
		   struct survivor_answer *ret);
	uint32_t step;	/* of a generation to the next; 0: none, answers are of now */
	size_t at_once; /* that may be asked for */
	void *context;
};

struct survivors;

int survivors_new(const struct survivor_oracle *oracle, struct survivors **ret);
void survivors_free(struct survivors *s); /* accepts NULL */

/* Enter a birth; for survivor_take, the context is the book. 0, -ENOMEM, or -ENOSPC when full. */
int survivors_add(void *book, uint64_t address, const struct survivor_birth *birth);

/* Ask about all that is not known to be dead. 0 or what the oracle failed with. */
int survivors_check(struct survivors *s);

/*
 * One row for each site, in heap_site's words: created are births, destroyed are deaths; live ones
 * are those that the oracle found alive. Quarters of the watch end where the youngest object that
 * it could judge was born: what came later is in no sum but created. The caller frees *ret. pcs are
 * not set: keys are.
 */
struct survivor_row {
	struct heap_site site;
	uint64_t key;
	uint64_t pending; /* births that no answer covers */
};
int survivors_rows(const struct survivors *s, uint64_t began, struct survivor_row **ret,
		   size_t *ret_n);

/* Births of all sites, living or dead, in each quarter of the same watch: where there are none, no
 * window saw the program at work. */
void survivors_births(const struct survivors *s, uint64_t began, uint64_t ret[4]);

/* Addresses of the oldest objects of one site that lived when last asked for, max at most: how
 * many. 0 too where there is no memory. */
size_t survivors_oldest(const struct survivors *s, uint64_t key, uint64_t *ret, size_t max);

/* Of all sites. */
struct survivor_totals {
	uint64_t births, bytes, deaths, living;
};
struct survivor_totals survivors_totals(const struct survivors *s);
