/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The census: the truth from the kernel's own structures, at an interval. It cannot drift, cannot
 * miss what is older than seep, and adds nothing to anyone's hot path.
 */
#pragma once

#include "agent/model/model.h"

struct census;

struct census_options {
	pid_t only_pid; /* look at the descriptors of this process only; 0: of all */
	bool ledger;	/* count creations too, by probes on rare kernel events */
	bool titles;	/* ask database servers what they wait for, by a reader if there is one */
};

/*
 * Loads what the host allows and records the rungs in the model. A host without BTF or BPF leaves
 * /proc (probe/procfs.h), which needs nothing.
 */
int census_new(const struct census_options *o, struct model *m, struct census **ret);
void census_free(struct census *c);

/* One census into the model, from begin to end, with its CPU time. 0 or negative errno. */
int census_run(struct census *c, struct model *m);
