/* SPDX-License-Identifier: GPL-2.0-only */
/* Which sites keep what they take: the judgement over a finished watch of the heap. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "agent/model/finding.h"
#include "agent/probe/heap.h"

struct heap_watch {
	bool exact;	/* every call was seen; else windows */
	bool fates;	/* windows, and what became of each survivor is known (survivors.h) */
	bool blind[4];	/* fates: quarters of the watch in which windows saw nobody take anything */
	double share;	/* windows: part of the program's own work that was seen, 0 to 1 */
	double work;	/* windows: part of its time in them that was work and not traps, 0 to 1 */
	double grown;	/* bytes that its anonymous memory grew by */
	double balance; /* blocks given less blocks taken back, old ones too, while it was watched
			 */
	double balance_error; /* one standard error of that */
};

/*
 * A verdict for each site, in ret[0..n).
 *
 * Windows. A block that outlived its window is a survivor. If its site gives back, a survivor is
 * caught: freed in a later window, or its address is given out again. How likely that is, is
 * learned from the sites that are caught at all, and is at least the share of work that was seen. A
 * site `returns` when it is caught at least three tenths as often as that; it `keeps` when it is
 * caught less than a tenth as often, although HEAP_EXPECTED catches were due (chance of an error
 * e^-7), and its survivors come from all of the first three quarters of the watch, since a warm-up
 * ends.
 *
 * Fates are judged as exact ones are, of the blocks that were seen; and where of the first
 * quarter's fewer stayed than of the second's, by more than chance, they have lives that end: a
 * warm-up. Of a quarter in which nothing at all was seen nothing is asked, where the site goes on
 * in the last one.
 *
 * Exact. A site keeps when blocks from each of the first three quarters live on, and no quarter has
 * nearly all of them; it returns when it gave back, and nothing of that age is left.
 *
 * Blocks may live longer than any watch, as in a cache that is full: then as many old blocks go as
 * new ones come. Where the balance cannot hold half of what the sites seem to keep, they are
 * undecided. They are so, too, where the memory of the process did not grow by a tenth of what the
 * keepers would have kept by now: traps make a program slow, and some keep notes of what was slow
 * (a slow log, a retry). That is asked only where windows measure how much of the work they saw.
 */
void heap_judge(const struct heap_watch *watch, const struct heap_site *sites, size_t n,
		enum site_verdict *ret);

#define HEAP_EXPECTED 7
