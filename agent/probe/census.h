/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The census: the truth from the kernel's own structures, at an interval. It cannot drift, cannot
 * miss what is older than seep, and adds nothing to anyone's hot path.
 */
#pragma once

#include "agent/model/model.h"

struct census;

/*
 * Loads what the host allows and records the rungs in the model. A host without BTF or BPF leaves
 * /proc (probe/procfs.h), which needs nothing. only_pid limits descriptors to one process, 0 is all.
 */
int census_new(pid_t only_pid, struct model *m, struct census **ret);
void census_free(struct census *c);

/* One census into the model, from begin to end, with its CPU time. 0 or negative errno. */
int census_run(struct census *c, struct model *m);
