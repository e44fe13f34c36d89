/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bounds, read where they are set, with what all their users take: limits of the process, of its
 * cgroup and that one's ancestors (version 1 and 2), of its user, of the host.
 */
#pragma once

#include "agent/model/model.h"

struct bounds;

/* Finds out which cgroup hierarchies are mounted, and where. */
int bounds_new(struct bounds **ret);
void bounds_free(struct bounds *b);

/* Set the bounds of each process of this census. 0 or -ENOMEM; an unreadable bound is none. */
int bounds_set(struct bounds *b, struct model *m);
