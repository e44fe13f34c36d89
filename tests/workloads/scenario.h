/* SPDX-License-Identifier: GPL-2.0-only */
/* Hard cases: each a function that prints books at its barriers, its children among them. */
#pragma once

#include <sys/eventfd.h>

#include "tests/workloads/books.h"

struct scenario {
	const char *name;
	int (*play)(void);
};

static const char *scenario_name;
static int scenario_barrier;

/* Print and wait; at the end of stdin the scenario is over. */
static inline void stop_here(void)
{
	books_print(scenario_barrier++, scenario_name);
	if (!barrier_wait())
		exit(0);
}

/* n eventfds with ascending numbers; returns the first. */
static inline int open_eventfds(int n)
{
	int first = -1;

	for (int i = 0; i < n; i++) {
		int fd = must(eventfd(0, 0), "eventfd");

		first = i ? first : fd;
	}
	book("fd/eventfd", n);
	return first;
}

static inline int scenario_main(int argc, char **argv, const struct scenario *row)
{
	if (argc < 2)
		play_usage(argv[0]);
	for (; row->name; row++) {
		if (strcmp(row->name, argv[1]))
			continue;
		prctl(PR_SET_PDEATHSIG, 9);
		scenario_name = row->name;
		return row->play();
	}
	fprintf(stderr, "no scenario named %s\n", argv[1]);
	return 2;
}
