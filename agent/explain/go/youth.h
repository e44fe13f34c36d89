/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a young program sets up. A server that has just begun fills its logs, rings and tables of
 * sessions up to limits that no watch sees, at the rate of its requests: a watch of seconds cannot
 * tell that from a leak, whoever keeps it. What it can tell is how much of the program it is.
 */
#pragma once

#include <stdbool.h>

#include "agent/model/finding.h"

struct goyouth {
	double age;	/* seconds since the program began; NAN: not known */
	double seconds; /* of the watch */
	double kept;	/* bytes that stay of those that were allocated in it */
	double heap;	/* bytes that the last collection found alive; 0: not known */
};

/*
 * Of the live heap, the part that the program would have kept by now, had it always kept as much a
 * second. It is small while a program is young or leaks little, and grows towards all of the heap
 * in one that leaks for long. INFINITY where nothing can be said.
 */
double goyouth_part(const struct goyouth *y);

/*
 * Where that part is less than a tenth, no site that keeps is blamed that fits no known mistake: it
 * becomes undecided, and its evidence says why. n findings of the heap, changed in place. True
 * where that is so.
 */
bool goyouth_forgive(const struct goyouth *y, struct finding *findings, size_t n);
