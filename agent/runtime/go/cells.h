/* SPDX-License-Identifier: GPL-2.0-only */
/* What a reading of a Go program means in the words of the model. */
#pragma once

#include <stdint.h>

#include "agent/model/model.h"
#include "agent/runtime/go/report.h"
#include "agent/runtime/go/work.h"

/*
 * Fill a process's cells, its bound and its numbers of the runtime from what was read last, which
 * stands until it is read again. r: NULL when nothing could be read, for which error is the reason
 * (-errno; 0: its turn has not come yet). old: goroutines that are older than a window, or
 * LIVE_UNKNOWN. What stays unknown has its reason in the process.
 */
void go_cells_fill(const struct go_report *r, int error, const struct go_work *work, int64_t old,
		   struct model_process *p);
