/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who allocates in one process, and who keeps: probes on its allocator (bpf/heap.bpf.c), attached
 * for a window at a time or for all the time. Blocks that outlive their window stay in the books,
 * and a free in a later window finds them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/model/loss.h"
#include "agent/probe/uprobe.h"
#include "bpf/heap.h"

struct heap;
struct reader;

struct heap_options {
	pid_t pid;
	const char *alloc_function, *free_function; /* instead of malloc and its kin; NULL: those */
	bool exact; /* room for every live block, not for survivors alone */
	/* For Go, which a return probe would crash: results are seen where calls of the allocator
	 * return to, each from the window on after the one that it was met in. */
	bool at_callers;
	struct uprobe_host host;
	struct reader *reader; /* outlives the heap */
};

/* One site: sums are since heap_new, for blocks whose birth was seen. */
struct heap_site {
	const char *kind; /* "malloc" or "mmap", static */
	struct heap_sums sums;
	uint64_t live, live_bytes; /* created, and not known to be gone */
	uint64_t old; /* of those: born before the last window, so that a later one could see them
			 freed */
	uint64_t born[4];	     /* live ones by the quarter of the watch that they come from */
	uint64_t stayed[4], went[4]; /* all of each quarter whose fate is known, doubtful ones too;
				      * 0 where fates are not asked for (explain/survivors.h) */
	uint64_t oldest;     /* birth of the oldest live one, ns of CLOCK_MONOTONIC; 0 for none */
	const uint64_t *pcs; /* return addresses, innermost first, owned by the heap */
	size_t n_pcs;	     /* 0: not known, for want of room */
};

struct heap_counts {
	uint64_t values[HEAP_COUNTERS]; /* enum heap_counter */
	uint64_t lost[LOSS_REASON_MAX];
};

/*
 * Load, find the allocator, attach nothing yet. Fails with -ENOENT when the process has no function
 * of that name.
 */
int heap_new(const struct heap_options *options, struct heap **ret);
void heap_free(struct heap *h); /* accepts NULL */

/* The file whose functions are probed; escaped, owned by the heap. */
const char *heap_allocator(const struct heap *h);

/* CPU seconds that a hit costs the process, the programs' own time aside: the mean over malloc's
 * entry and return and free's entry. */
double heap_hit_seconds(const struct heap *h);

/* Attach, and count from then on: a window begins. -EBUSY as uprobe_set_attach, and in whose way
 * it is. */
int heap_attach(struct heap *h);
pid_t heap_obstacle(const struct heap *h);
/* Stop counting at once, then take the traps out. */
void heap_detach(struct heap *h);

/* Forget all blocks and sums; what was learned of stacks stays. Only while detached. */
int heap_reset(struct heap *h);

/* Take what the programs told: name sites, learn frame rules. Often while attached. */
int heap_poll(struct heap *h);

/* Of all windows so far. 0, or -errno with what could be read. */
int heap_counts(struct heap *h, struct heap_counts *ret);

/* All sites; the caller frees *ret. Reads every live block: not for the hot path. */
int heap_sites(struct heap *h, struct heap_site **ret, size_t *ret_n);
