/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the goheap source share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/explain/source.h"
#include "agent/explain/survivors.h"
#include "agent/explain/windows.h"
#include "agent/probe/survivor.h"
#include "agent/runtime/go/objects.h"

struct goheap_source {
	const struct explain_options *options;
	struct reader *reader;
	struct uprobe_host host;
	char *module; /* path of the program, escaped */
	struct survivor *probe;
	struct survivors *book;
	struct windows windows;
	uint64_t taken;			  /* windows whose births are in the book */
	uint64_t began, ended;		  /* ns of CLOCK_MONOTONIC */
	double due;			  /* when the fates may be asked for again; seconds */
	struct go_fates_request *request; /* room for the questions */
	struct go_fates first, last;	  /* sizes of the heap when the watch began, and now */
	uint32_t checked;		  /* generation that the book was last checked in */
};

/* CPU seconds of traps and programs so far, and the counts they come from. */
double goheap_cost(struct goheap_source *s, struct survivor_counts *ret_counts);

int goheap_findings(struct goheap_source *s, double seconds, struct findings *ret);
