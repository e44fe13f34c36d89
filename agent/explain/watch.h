/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs a source for its time, within its budget, until the process or the user ends it. */
#pragma once

#include "agent/explain/source.h"

/* Findings are appended, the summary is filled. 0, or negative after one line was logged. */
int watch_run(const struct explain_options *options, const struct source *source,
	      struct reader *reader, int pidfd, struct findings *ret_findings,
	      struct explain_summary *ret_summary);
