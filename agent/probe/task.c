// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/base/clock.h"
#include "agent/model/escape.h"
#include "agent/probe/identity.h"
#include "agent/probe/iterator.h"
#include "agent/probe/kernel_types.h"
#include "agent/probe/percpu.h"
#include "agent/probe/posix_timers.h"
#include "agent/probe/task.h"
#include "bpf/percpu.h"
#include "bpf/task.h"
#include "bpf/task.skel.h"

struct task_census {
	struct task_bpf *skel;
	uint64_t page_bytes;
};

/* What the rows of one sweep are put into. */
struct sweep {
	struct model *model;
	uint64_t page_bytes;
	double boot; /* seconds since the epoch */
};

static size_t row_size(uint32_t type)
{
	switch (type) {
	case TASK_ROW_PROCESS:
		return sizeof(struct task_process_row);
	case TASK_ROW_THREAD:
		return sizeof(struct task_thread_row);
	case TASK_ROW_MEMORY:
		return sizeof(struct task_memory_row);
	}
	return 0;
}

static void take_limits(struct model_process *p, const struct task_process_row *row)
{
	p->rlimits[RLIMITS_NOFILE] = row->rlimit_nofile;
	p->rlimits[RLIMITS_NPROC] = row->rlimit_nproc;
	p->rlimits[RLIMITS_SIGPENDING] = row->rlimit_sigpending;
	p->rlimits[RLIMITS_AS] = row->rlimit_as;
}

static void take_process(struct sweep *s, const struct task_process_row *row)
{
	bool fresh;
	struct model_process *p =
		model_process(s->model, (pid_t)row->pid, row->start, row->exec_id, &fresh);

	if (!p)
		return;
	p->parent = (pid_t)row->parent;
	p->uid = row->uid;
	p->netns = row->netns;
	p->kernel_thread = row->flags & TASK_KERNEL_THREAD;
	p->zombie = row->flags & TASK_ZOMBIE;
	p->start_time = s->boot + (double)row->start / NS_PER_S;
	p->cells[SLOT_THREAD].live = p->zombie ? 0 : row->threads;
	/* The leader, whose row is this; its other threads have rows of their own. */
	p->cells[SLOT_THREAD].old = !p->zombie && s->model->now - p->start_time >= s->model->window;
	take_limits(p, row);
	births_begin(&p->births, p->start_time, s->model->now);
	escape_bytes(p->comm, sizeof(p->comm), row->comm, strnlen(row->comm, sizeof(row->comm)));
	identity_update(s->model, p, fresh, row->cgroups);
	if (row->flags & TASK_POSIX_TIMERS)
		posix_timers_count(s->model, p);
}

/* A thread whose process was not seen, since it began during the sweep, waits for the next. */
static void take_thread(struct sweep *s, const struct task_thread_row *row)
{
	struct model_process *p = model_find(s->model, (pid_t)row->pid);
	double born = s->boot + (double)row->start / NS_PER_S;

	if (!p || p->seen != s->model->census)
		return;
	births_add(&p->births, born);
	p->cells[SLOT_THREAD].old += s->model->now - born >= s->model->window;
}

static void take_memory(struct sweep *s, const struct task_memory_row *row)
{
	static const enum seep_slot slots[] = { SLOT_MEMORY_FILE, SLOT_MEMORY_ANON,
						SLOT_MEMORY_SWAP, SLOT_MEMORY_SHMEM };
	struct model_process *p = model_find(s->model, (pid_t)row->pid);

	if (!p || p->seen != s->model->census || p->cells[SLOT_MAPPING].live)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(slots); i++)
		model_cell_add(p->cells, slots[i], (int64_t)(row->pages[i] * s->page_bytes));
	model_cell_add(p->cells, SLOT_MEMORY_PAGETABLE, (int64_t)row->pagetable_bytes);
	p->cells[SLOT_MAPPING].live = row->mappings;
	p->virtual_bytes = row->virtual_pages * s->page_bytes;
	p->mm = row->mm;
}

static void take_row(const void *row, void *context)
{
	switch (*(const uint32_t *)row) {
	case TASK_ROW_PROCESS:
		return take_process(context, row);
	case TASK_ROW_THREAD:
		return take_thread(context, row);
	case TASK_ROW_MEMORY:
		return take_memory(context, row);
	}
}

/* Children belong to whoever has to wait for them. */
static void count_children(struct model *m)
{
	model_for_each_process (m, p) {
		struct model_process *parent =
			p->seen == m->census && p->parent ? model_find(m, p->parent) : NULL;

		if (!parent || parent->seen != m->census)
			continue;
		model_cell_add(parent->cells, p->zombie ? SLOT_PROCESS_ZOMBIE : SLOT_PROCESS_CHILD,
			       1);
	}
}

static void set_thread_ages(struct model *m)
{
	model_for_each_process (m, p)
		if (p->seen == m->census && p->births.count)
			p->cells[SLOT_THREAD].oldest = m->now - p->births.oldest;
}

int task_census_run(struct task_census *c, struct model *m)
{
	struct sweep s = { m, c->page_bytes, clock_boot_epoch() };
	int r = iterator_run(c->skel->links.census_task, row_size, take_row, &s);

	if (r < 0)
		return r;
	count_children(m);
	set_thread_ages(m);
	return 0;
}

int task_census_new(struct task_census **ret)
{
	struct task_census *c = calloc(1, sizeof(*c));
	uint32_t own;
	int r;

	if (!c)
		return -ENOMEM;
	c->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	r = iterator_own_namespace(&own);
	if (r == 0 && !(c->skel = task_bpf__open_opts(kernel_types())))
		r = -errno;
	if (r == 0) {
		int cpus = percpu_learn((uint64_t *)c->skel->rodata->percpu_offsets, PERCPU_CPUS);

		c->skel->rodata->percpu_cpus = cpus > 0 ? (uint32_t)cpus : 0;
		c->skel->rodata->own_inode = own;
		r = task_bpf__load(c->skel);
	}
	if (r == 0)
		r = task_bpf__attach(c->skel);
	if (r < 0) {
		task_census_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void task_census_free(struct task_census *c)
{
	if (!c)
		return;
	task_bpf__destroy(c->skel);
	free(c);
}
