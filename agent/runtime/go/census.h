/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Go programs hold, into every census: goroutines and timers of the runtime, the heap that a
 * collection kept against the memory limit. Which processes run Go is found out once for each
 * program; reading them is stretched over censuses so that it costs a fixed small share.
 */
#pragma once

#include "agent/model/model.h"
#include "agent/sites/late_reader.h"

struct go_census;

/* only_pid: look at no other process; 0: at all. The reader outlives the census. */
int go_census_new(pid_t only_pid, struct late_reader *reader, struct go_census **ret);
void go_census_free(struct go_census *c);

/* Between the other topics and model_end(). What cannot be read has its reason in the process. */
void go_census_run(struct go_census *c, struct model *m);
