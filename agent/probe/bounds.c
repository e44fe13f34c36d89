// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/probe/bounds.h"
#include "agent/probe/cgroup.h"

/* What all processes of one user take. */
struct user {
	uint32_t uid;
	uint64_t threads, timers, watches;
	struct user *next;
};

/* Of the host, once a census. */
struct host {
	struct bound threads, pids, files, memory;
	uint64_t max_map_count, max_user_watches;
};

struct bounds {
	struct cgroups *cgroups;
	struct user *users;
	struct host host;
};

int bounds_new(struct bounds **ret)
{
	struct bounds *b = calloc(1, sizeof(*b));
	int r = b ? cgroups_new(&b->cgroups) : -ENOMEM;

	if (r < 0) {
		free(b);
		return r;
	}
	*ret = b;
	return 0;
}

static void users_free(struct bounds *b)
{
	for (struct user *u = b->users, *next; u; u = next) {
		next = u->next;
		free(u);
	}
	b->users = NULL;
}

void bounds_free(struct bounds *b)
{
	if (!b)
		return;
	users_free(b);
	cgroups_free(b->cgroups);
	free(b);
}

static struct user *find_user(struct bounds *b, uint32_t uid)
{
	struct user *u = b->users;

	while (u && u->uid != uid)
		u = u->next;
	if (u)
		return u;
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->uid = uid;
	u->next = b->users;
	b->users = u;
	return u;
}

static uint64_t known(int64_t live)
{
	return live == LIVE_UNKNOWN ? 0 : (uint64_t)live;
}

static int sum_users(struct bounds *b, const struct model *m, uint64_t *ret_threads)
{
	users_free(b);
	*ret_threads = 0;
	model_for_each_process (m, p) {
		struct user *u = p->seen == m->census ? find_user(b, p->uid) : NULL;

		if (p->seen != m->census)
			continue;
		if (!u)
			return -ENOMEM;
		u->threads += known(p->cells[SLOT_THREAD].live);
		u->timers += known(p->cells[SLOT_TIMER_POSIX].live);
		u->watches += known(p->cells[SLOT_WATCH].live);
		*ret_threads += known(p->cells[SLOT_THREAD].live);
	}
	return 0;
}

/* /proc/sys/fs/file-nr: allocated, free (always 0), maximum. */
static void read_files(struct bound *ret)
{
	char line[128];
	unsigned long long used, unused, limit;

	if (text_read_line("/proc/sys/fs/file-nr", line, sizeof(line)) == 0 &&
	    sscanf(line, "%llu %llu %llu", &used, &unused, &limit) == 3)
		*ret = (struct bound){ BOUND_FILE_MAX, limit, used };
}

static void read_memory(struct bound *ret)
{
	uint64_t total, available;

	if (text_read_field("/proc/meminfo", "MemTotal:", &total) == 0 &&
	    text_read_field("/proc/meminfo", "MemAvailable:", &available) == 0)
		*ret = (struct bound){ BOUND_MEMORY_TOTAL, total * 1024,
				       (total - available) * 1024 };
}

static void read_host(struct host *h, uint64_t threads)
{
	uint64_t limit;

	*h = (struct host){ 0 };
	if (text_read_number("/proc/sys/kernel/threads-max", &limit) == 0)
		h->threads = (struct bound){ BOUND_THREADS_MAX, limit, threads };
	if (text_read_number("/proc/sys/kernel/pid_max", &limit) == 0)
		h->pids = (struct bound){ BOUND_PID_MAX, limit, threads };
	read_files(&h->files);
	read_memory(&h->memory);
	text_read_number("/proc/sys/vm/max_map_count", &h->max_map_count);
	text_read_number("/proc/sys/fs/inotify/max_user_watches", &h->max_user_watches);
}

static void tighten(struct bound *b, enum bound_source source, uint64_t limit, uint64_t used)
{
	struct bound other = { source, limit, used };

	if (limit != RLIMIT_INFINITE && limit != 0)
		bound_tighten(b, &other);
}

/* Threads and child processes draw on the same numbers. RLIMIT_NPROC does not bind root: the kernel
 * asks for CAP_SYS_RESOURCE or CAP_SYS_ADMIN (kernel/fork.c, copy_process). */
static void set_tasks(const struct bounds *b, struct model_process *p,
		      const struct cgroup_bounds *cg, const struct user *u)
{
	struct bound bound = { 0 };

	bound_tighten(&bound, &cg->pids);
	if (p->uid != 0)
		tighten(&bound, BOUND_RLIMIT_NPROC, p->rlimits[RLIMITS_NPROC], u->threads);
	bound_tighten(&bound, &b->host.threads);
	bound_tighten(&bound, &b->host.pids);
	p->bounds[SLOT_THREAD] = p->bounds[SLOT_PROCESS] = bound;
}

static void set_memory(const struct bounds *b, struct model_process *p,
		       const struct cgroup_bounds *cg)
{
	struct bound *bound = &p->bounds[SLOT_MEMORY];

	bound_tighten(bound, &cg->memory);
	tighten(bound, BOUND_RLIMIT_AS, p->rlimits[RLIMITS_AS], p->virtual_bytes);
	/* The host's memory says nothing of a process that a cgroup bounds. */
	if (bound->source == BOUND_NONE)
		*bound = b->host.memory;
	tighten(&p->bounds[SLOT_MAPPING], BOUND_MAX_MAP_COUNT, b->host.max_map_count,
		known(p->cells[SLOT_MAPPING].live));
}

static void set_files(const struct bounds *b, struct model_process *p, const struct user *u)
{
	struct bound *fd = &p->bounds[SLOT_FD];

	tighten(fd, BOUND_RLIMIT_NOFILE, p->rlimits[RLIMITS_NOFILE], known(p->cells[SLOT_FD].live));
	bound_tighten(fd, &b->host.files);
	tighten(&p->bounds[SLOT_TIMER], BOUND_RLIMIT_SIGPENDING, p->rlimits[RLIMITS_SIGPENDING],
		u->timers);
	tighten(&p->bounds[SLOT_WATCH], BOUND_MAX_USER_WATCHES, b->host.max_user_watches,
		u->watches);
}

int bounds_set(struct bounds *b, struct model *m)
{
	uint64_t threads;
	int r = sum_users(b, m, &threads);

	if (r < 0)
		return r;
	read_host(&b->host, threads);
	cgroups_begin(b->cgroups);
	model_for_each_process (m, p) {
		struct cgroup_bounds cg = { 0 };
		const struct user *u;

		if (p->seen != m->census || p->kernel_thread)
			continue;
		r = cgroups_bounds(b->cgroups, p->cgroups, p->pid, &cg);
		u = find_user(b, p->uid);
		if (r < 0 || !u)
			return -ENOMEM;
		set_tasks(b, p, &cg, u);
		set_memory(b, p, &cg);
		set_files(b, p, u);
	}
	return 0;
}
