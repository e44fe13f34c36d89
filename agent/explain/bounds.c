// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "agent/base/clock.h"
#include "agent/explain/bounds.h"
#include "agent/model/model.h"
#include "agent/probe/bounds.h"
#include "agent/probe/procfs.h"

#define ANY_WINDOW   60 /* seconds; no trend is asked of one census */
#define ANY_INTERVAL 3

/* The host's bound may be the nearer one now, but it is the process's own that one site runs into.
 */
static void prefer_own(const struct model_process *p, struct bound *b)
{
	if (b->source == BOUND_FILE_MAX && p->rlimits[RLIMITS_NOFILE] < b->limit)
		*b = (struct bound){ .source = BOUND_RLIMIT_NOFILE,
				     .limit = p->rlimits[RLIMITS_NOFILE] };
}

/*
 * A model of this process alone, from /proc: a whole census takes longer to load than some watches
 * last. What other processes take of a shared bound is not counted then, only who sets it.
 */
static void read_process(pid_t pid, struct model *m, struct explain_bounds *ret)
{
	const struct model_process *p;
	struct bounds *bounds = NULL;
	struct procfs *proc = NULL;

	if (bounds_new(&bounds) == 0 && procfs_new(pid, &proc) == 0) {
		model_begin(m, clock_now());
		procfs_process(proc, m, pid);
		p = model_find(m, pid);
		if (p && bounds_set(bounds, m) == 0) {
			memcpy(ret->bounds, p->bounds, sizeof(ret->bounds));
			prefer_own(p, &ret->bounds[SLOT_FD]);
		}
	}
	procfs_free(proc);
	bounds_free(bounds);
}

void explain_bounds_read(pid_t pid, struct explain_bounds *ret)
{
	struct model *m = NULL;

	*ret = (struct explain_bounds){ 0 };
	if (model_new(ANY_WINDOW, ANY_INTERVAL, &m) < 0)
		return;
	read_process(pid, m, ret);
	model_free(m);
}

void explain_bounds_set(const struct explain_bounds *bounds, struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		struct finding *f = &findings->rows[i];
		enum seep_slot total = slot_find(f->resource, NULL);
		const struct bound *b = total == SLOT_MAX ? NULL : &bounds->bounds[total];

		if (!b || b->source == BOUND_NONE)
			continue;
		f->bound = b->limit;
		f->bound_source = bound_source_name(b->source);
	}
}
