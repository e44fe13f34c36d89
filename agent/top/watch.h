/* SPDX-License-Identifier: GPL-2.0-only */
/* What top looks at: a census at each look, and the trends of a running agent where there is one.
 */
#pragma once

#include "agent/model/model.h"

struct watch;

/*
 * only_pid: whose descriptors are counted, 0 for all. delay in seconds; the trend window of top's
 * own follows from it: a minute, or 20 looks where those take longer. ledger: also count who
 * creates.
 */
int watch_new(pid_t only_pid, double delay, bool ledger, struct watch **ret);
void watch_free(struct watch *w);

/* One look. 0 or negative errno. */
int watch_look(struct watch *w);

const struct model *watch_model(const struct watch *w);
/* Whether the last look took its trends from a running agent. */
bool watch_has_history(const struct watch *w);
