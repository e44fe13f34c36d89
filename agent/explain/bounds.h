/* SPDX-License-Identifier: GPL-2.0-only */
/* The bounds of one process. */
#pragma once

#include <sys/types.h>

#include "agent/model/bound.h"
#include "agent/model/finding.h"
#include "agent/model/resource.h"

struct explain_bounds {
	struct bound bounds[SLOT_MAX]; /* totals only */
};

/* What cannot be read is no bound. */
void explain_bounds_read(pid_t pid, struct explain_bounds *ret);
void explain_bounds_set(const struct explain_bounds *bounds, struct findings *findings);
