/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the budget of a watch is parted among the windows of a Go program. What is left over is
 * seep's own CPU time.
 */
#pragma once

#include "agent/explain/source.h"

enum gobudget {
	GOBUDGET_HEAP,	 /* windows on the heap, maps and timers */
	GOBUDGET_SPAWNS, /* on go statements */
	GOBUDGET_RARE,	 /* on what is rare, each of GORARE_MAX kinds */
	GOBUDGET_MAX
};

/* The share of one CPU that those windows may cost. */
double gobudget_share(const struct explain_options *options, enum gobudget windows);
