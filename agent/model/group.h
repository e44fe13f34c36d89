/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A group is what people call a service: it survives a restart. Its name comes from the cgroup and
 * the executable: UNIT/EXE, container:ID12/EXE, session/EXE, or kernel.
 */
#pragma once

#include <stddef.h>

#include "agent/model/model.h"

/*
 * Write the name of the group of a process with this cgroup path and executable path (both escaped,
 * either may be NULL or empty). Numbers of sessions, scopes, pods and template instances are
 * stripped, so that the name is the same after a restart.
 */
void group_name(const char *cgroup, const char *exe, const char *comm, char *dst, size_t size);

/* What model_end() does with groups: sums of their processes, their tightest bounds, their trends;
 * a group without a process for a window is dropped. */
void groups_sum(struct model *m);
void groups_free(struct model *m);

/* When the first process of each group meets a bound of its own, once the trends are known. */
void groups_forecast(struct model *m);

/* Move the trends of one set of cells (model.c), which took so much of the memory that others hold
 * as well; restarts: see series_new(). */
void model_cells_trend(struct model *m, struct model_cell *cells, const struct taken *taken,
		       bool restarts);
