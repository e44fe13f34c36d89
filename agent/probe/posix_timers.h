/* SPDX-License-Identifier: GPL-2.0-only */
/* Timers of timer_create(): the iterator finds who has any, /proc/PID/timers counts them. */
#pragma once

#include "agent/model/model.h"

/* Fills the process's timer/posix cell; unknown with a reason where the kernel does not tell
 * (CONFIG_CHECKPOINT_RESTORE is off). */
void posix_timers_count(struct model *m, struct model_process *p);
