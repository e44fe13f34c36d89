/* SPDX-License-Identifier: GPL-2.0-only */
/* What a verdict rests on, as numbers that travel, and in words that a person can check. */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/trend/verdict.h"

enum proof_kind {
	PROOF_NONE,
	PROOF_BLOCKS, /* the lows of blocks of windows rise like a straight line with noise */
	PROOF_DAYS,   /* they do so compared with the same hours of the day before */
};

struct evidence {
	float rate_error; /* per hour, half of a 95 % interval; NAN when unknown */
	uint16_t rising;  /* windows, counted back, each with a minimum above that of the one before
			   */
	uint16_t span;	  /* windows that the proof looked at */
	uint8_t proof;	  /* enum proof_kind */
	uint8_t block;	  /* windows in each block of the proof */
	uint8_t resets;	  /* sudden losses of all that was gained, within the span */
	uint8_t slowing : 1; /* the growth declines */
	uint8_t old : 1;     /* only what is older than a window was counted */
};

#define EVIDENCE_NONE ((struct evidence){ .rate_error = NAN })
#define EVIDENCE_MAX  320 /* bytes that hold any words of evidence */

/*
 * "the minimum of each of the last 9 windows rose; slope 41/h ± 3; no slowing; longer than a day",
 * from a trend and its evidence; bytes: of bytes, not of a count. Always terminated; "" for what is
 * unknown.
 */
void evidence_write(const struct trend *t, const struct evidence *e, bool bytes, char *dst,
		    size_t size);

/*
 * When the value reaches limit: seconds, the earliest and the latest that the rate's interval
 * allows. NAN where trend_eta() is, and *ret_high is NAN when the interval includes no growth.
 */
void trend_eta_range(const struct trend *t, const struct evidence *e, double used, double limit,
		     double *ret_low, double *ret_high);
