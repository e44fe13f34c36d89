/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a cgroup limits: pids and memory, in version 2 (pids.max, memory.max) and version 1
 * (pids.max, memory.limit_in_bytes); Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/. The
 * limits of every ancestor hold as well, so the one that is nearest to exhaustion counts.
 */
#pragma once

#include <sys/types.h>

#include "agent/model/bound.h"

struct cgroups;

struct cgroup_bounds {
	struct bound pids;
	struct bound memory;
};

/* Reads the mounts. */
int cgroups_new(struct cgroups **ret);
void cgroups_free(struct cgroups *c);

/* What was read is good for one census; sets that no process was in for a while are forgotten. */
void cgroups_begin(struct cgroups *c);

/*
 * The bounds on the processes in one combination of cgroups, named by the kernel's set; pid is one
 * of them. Read once a census and set. 0 or -ENOMEM; what cannot be read is no bound.
 */
int cgroups_bounds(struct cgroups *c, uint64_t set, pid_t pid, struct cgroup_bounds *ret);

/* A descriptor on the directory of pid's cgroup in the unified hierarchy, or on the hierarchy's
 * root where the process is outside of what is mounted here; the caller closes it. Or -errno. */
int cgroup_open_unified(pid_t pid);
