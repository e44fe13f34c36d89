/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A leak that each restart resets: long stretches of growth between sudden losses. What a counter's
 * rate does with resets, with three conditions, since memory and descriptors also fall for good
 * reasons: a stretch lasts three quarters of a day or longer (shorter ones are the teeth of
 * collections and compactions), it was still growing when it ended (what had levelled off is a
 * warm-up, not a leak), and all stretches rise at one rate, since a program leaks at one. A longer
 * tooth that is as even as that is taken for a restart: the value alone cannot tell.
 */
#pragma once

/* Lift what follows each reset by what it lost, in place. How many there were. */
unsigned int reset_fold(float *lows, unsigned int n);
