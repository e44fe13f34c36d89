/* SPDX-License-Identifier: GPL-2.0-only */
/* What is seen of a Go program in one watch: by pulls of its memory, no probe. */
#pragma once

#include "agent/explain/go_sites.h"
#include "agent/explain/source.h"

struct go_source {
	const struct explain_options *options;
	struct reader *reader;
	char *module;		  /* path of the program, escaped */
	struct go_report *report; /* of the last pull */
	struct go_sites sites;
	double began, next; /* CLOCK_MONOTONIC */
	uint64_t reads;
	bool ended;
};

/* Append what the pulls tell of goroutines. 0 or -ENOMEM. */
int go_findings_goroutines(const struct go_source *s, struct findings *ret);
