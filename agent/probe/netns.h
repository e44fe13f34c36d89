/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sockets that belong to no process and still take ports, a row a network namespace. TIME_WAIT is
 * counted by the kernel itself (sockstat). The walk over all sockets, which tells destinations and
 * the other ownerless ones, is made only where TIME_WAIT takes a share of the ports worth knowing,
 * since the kernel's table is one for all namespaces, and so seldom that it takes a fifth of a
 * percent of a core at most; between two walks its answers stand.
 */
#pragma once

#include "agent/model/model.h"

struct netns_census;

/* Records its rung in the model. 0 or negative errno; a kernel without the iterator is no error. */
int netns_census_new(struct model *m, struct netns_census **ret);
void netns_census_free(struct netns_census *c);

/* After the task census of the same model census. */
int netns_census_run(struct netns_census *c, struct model *m);
