/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is it a leak? The proof over the lowest values of whole windows (hours, unless --trend.window
 * says otherwise; a day is 24 windows).
 *
 * What is asked, and why it is asked like this:
 *
 * - Lows of blocks. A leak is what is never given back, so only the lowest value of a window counts
 *   (the lower envelope; Bruce, "leak detection from the heap after collection", and every GC log
 *   reader). Blocks of 2, 4, 6, 8 and 12 windows are tried, since a saw-tooth or a compaction of
 *   any period below a block leaves the block's low in place.
 * - A random walk is the null hypothesis, not noise around a level: walks and caches make runs of
 *   hours that any regression calls significant (Granger and Newbold 1974, "Spurious regressions").
 *   So the gains from block to block are tested: their mean against their own scatter, by Student's
 *   t. The scatter is taken about a straight line through the gains, so that acceleration is no
 *   noise, and as the long-run variance of Newey and West (1987, "A simple, positive semi-definite
 *   … covariance matrix"): the hours of one warm-up follow from one event and count as one, and
 *   noise around a line, which the next gain takes back, counts for less than it seems.
 * - Width. At the default a day and some must have passed, and most of the gain must have taken as
 *   long: of the lower envelope (what no later value gave back), from a tenth to 95 %. What idled
 *   and then filled up within a day does not pass. A cache that fills straight for longer than
 *   this cannot be told from a leak by anything but waiting.
 * - Concavity. What warms up or saturates has gains that decline: the same line's slope against its
 *   error, and the gain of the last third against the whole.
 * - The day before. A daily cycle cancels in whole days, and what scatters is the gain of a block
 *   against the block at the same hour a day earlier (seasonal differences; the idea of Hirsch,
 *   Slack and Smith 1982, "seasonal Kendall"). This asks for more than two days and a half: each
 * three windows must be above the same three of the day before, all over the span.
 * - A step is not a leak: without its two largest gains the span must still grow; and what ended is
 *   none: the last six windows must take part, and the last one and two must be like the eight
 *   before them, which is what a cache that has just filled up fails at.
 * - Restarts, in what survives them: a drop that loses most of what a stretch of three quarters
 *   of a day or more had gained, within a window, is a reset, provided that the stretch grew to its
 * end: it is taken out and the stretches are read as one (what a counter's rate does with resets).
 * - It is asked at each window, so a test is made at one in a thousand or rarer, and several must
 * agree (Wald 1945 and its successors bound the errors of asking repeatedly; here the spans overlap
 * so much that the few independent ones are paid for by the level).
 */
#pragma once

#include <stdbool.h>

#include "agent/trend/evidence.h"

#define PROOF_DAY     24 /* windows */
#define PROOF_WINDOWS 96 /* most that are looked at */

/*
 * lows: of n whole windows, oldest first; restarts: they may hold some. True when they prove a
 * leak; then ret's proof, block, span, resets are set, and *ret_rate and ret->rate_error, in units
 * a window.
 */
bool proof_leak(const float *lows, unsigned int n, bool restarts, struct evidence *ret,
		double *ret_rate);

/*
 * Whether what was proved goes on: resets set aside, the lowest value of the last half day is above
 * that of the half day before.
 */
bool proof_holds(const float *lows, unsigned int n, bool restarts);

/* Windows, counted back from the end, since which the lows of quarter days rise, resets set aside.
 */
unsigned int proof_since(const float *lows, unsigned int n, bool restarts);
