/* SPDX-License-Identifier: GPL-2.0-only */
/* The live view on a terminal, which is left as it was found. */
#pragma once

#include "agent/top/rows.h"
#include "agent/top/watch.h"

/* Whether standard input and output are a terminal that can show it. */
bool screen_possible(void);

struct screen_options {
	double delay;	/* seconds between two looks */
	int iterations; /* looks; 0: until told to end */
	struct rows_options rows;
};

/*
 * Show until the user quits, a signal asks to end, or the looks are over; *stop is set by signal
 * handlers that are in place. The first look has been taken. 0, or negative errno: -ESRCH when the
 * process of rows.pid has ended. The last sentence stays behind on the terminal.
 */
int screen_run(struct watch *w, const struct screen_options *o, const volatile int *stop);
