// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/probe/backend.h"
#include "agent/probe/bounds.h"
#include "agent/probe/census.h"
#include "agent/probe/file.h"
#include "agent/probe/ledger.h"
#include "agent/probe/netns.h"
#include "agent/probe/procfs.h"
#include "agent/probe/task.h"
#include "agent/runtime/go/census.h"

struct census {
	struct task_census *task; /* NULL: /proc serves */
	struct file_census *file; /* NULL: /proc serves */
	struct netns_census *netns;
	struct bounds *bounds;
	struct procfs *procfs;
	struct ledger *ledger;		 /* NULL: not asked for */
	struct backend_census *backends; /* NULL: not asked for */
	struct go_census *go;
	struct late_reader reader; /* of what the last two ask */
};

static const char *refusal(int r)
{
	switch (r) {
	case -ENOENT:
	case -ESRCH:
		return "no BTF in this kernel";
	case -EPERM:
	case -EACCES:
		return "not permitted";
	default:
		return strerror(-r);
	}
}

/* A topic that the kernel does not allow falls back to /proc, said once. missing: kinds that could
 * not be learned and are counted as "other". */
static void settle_rung(struct model *m, const char *topic, int r, const char *missing)
{
	char reason[160] = "";

	if (r == 0) {
		if (*missing)
			snprintf(reason, sizeof(reason), "counted as other: %s", missing);
		model_set_rung(m, topic, "iterator", reason);
		return;
	}
	model_set_rung(m, topic, "proc", refusal(r));
	log_warn(0, "%s: no BPF iterator (%s), falling back to /proc", topic, refusal(r));
}

int census_new(const struct census_options *o, struct model *m, struct census **ret)
{
	struct census *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	r = task_census_new(&c->task);
	settle_rung(m, "process", r, "");
	if (r == 0)
		r = file_census_new(o->only_pid, &c->file);
	settle_rung(m, "fd", r, c->file ? file_census_missing(c->file) : "");
	r = procfs_new(o->only_pid, &c->procfs);
	if (r == 0)
		r = bounds_new(&c->bounds);
	if (r == 0)
		r = netns_census_new(m, &c->netns);
	if (r == 0)
		r = go_census_new(o->only_pid, &c->reader, &c->go);
	if (r == 0 && o->ledger && c->task)
		r = ledger_new(m, &c->ledger);
	if (r == 0 && o->titles && c->file)
		r = backend_census_new(&c->reader, &c->backends);
	if (r == 0 && c->backends)
		file_census_note(c->file, backend_census_connections(c->backends));
	if (r < 0) {
		census_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void census_free(struct census *c)
{
	if (!c)
		return;
	task_census_free(c->task);
	file_census_free(c->file);
	netns_census_free(c->netns);
	bounds_free(c->bounds);
	procfs_free(c->procfs);
	ledger_free(c->ledger);
	backend_census_free(c->backends);
	go_census_free(c->go);
	late_reader_stop(&c->reader);
	free(c);
}

int census_run(struct census *c, struct model *m)
{
	static const enum loss_topic counted_here[] = { LOSS_PROCESS, LOSS_FD, LOSS_TCP };
	double begin = clock_seconds(CLOCK_THREAD_CPUTIME_ID);
	int r;

	model_begin(m, clock_now());
	/* The topics add what their maps counted since they were loaded. */
	for (size_t i = 0; i < ARRAY_SIZE(counted_here); i++)
		memset(m->lost[counted_here[i]], 0, sizeof(m->lost[0]));
	r = c->task ? task_census_run(c->task, m) : procfs_tasks(c->procfs, m);
	if (r == 0)
		r = c->file ? file_census_run(c->file, m) : procfs_files(c->procfs, m);
	if (r == 0 && c->backends)
		backend_census_run(c->backends, m);
	if (r == 0)
		r = netns_census_run(c->netns, m);
	if (r == 0)
		r = bounds_set(c->bounds, m);
	if (r == 0 && c->ledger)
		ledger_read(c->ledger, m);
	if (r == 0)
		go_census_run(c->go, m);
	if (r == 0)
		model_end(m);
	m->census_seconds = clock_seconds(CLOCK_THREAD_CPUTIME_ID) - begin;
	return r;
}
