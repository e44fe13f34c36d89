// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"
#include "agent/model/escape.h"
#include "agent/probe/file_link.h"
#include "agent/probe/identity.h"
#include "agent/probe/posix_timers.h"
#include "agent/probe/procfs.h"

struct procfs {
	pid_t only_pid;
	double tick_seconds; /* of the start time in /proc/PID/stat */
};

int procfs_new(pid_t only_pid, struct procfs **ret)
{
	struct procfs *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->only_pid = only_pid;
	f->tick_seconds = 1.0 / (double)sysconf(_SC_CLK_TCK);
	*ret = f;
	return 0;
}

void procfs_free(struct procfs *f)
{
	free(f);
}

/* The next entry that is a number, or -1. */
static long next_number(DIR *d)
{
	struct dirent *e;

	while ((e = readdir(d))) {
		char *end;
		long n = strtol(e->d_name, &end, 10);

		if (end != e->d_name && !*end)
			return n;
	}
	return -1;
}

/* What follows the name in /proc/PID/stat (proc(5)); the name may hold anything, so its end is the
 * last parenthesis. */
struct stat_fields {
	char state;
	int parent;
	unsigned int flags;
	long threads;
	unsigned long long start_ticks;
};

static int read_stat(pid_t pid, char *comm, size_t size, struct stat_fields *ret)
{
	char name[64], line[1024], *open, *close;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	if (text_read(name, line, sizeof(line)) < 0)
		return -ESRCH;
	open = strchr(line, '(');
	close = strrchr(line, ')');
	if (!open || !close ||
	    sscanf(close + 1,
		   " %c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld %*d %llu",
		   &ret->state, &ret->parent, &ret->flags, &ret->threads, &ret->start_ticks) != 5)
		return -EPROTO;
	escape_bytes(comm, size, open + 1, (size_t)(close - open - 1));
	return 0;
}

/* Lines "VmSwap: N kB" and the like. */
static uint64_t read_status_bytes(pid_t pid, const char *field)
{
	char name[64];
	uint64_t kib = 0;

	snprintf(name, sizeof(name), "/proc/%d/status", pid);
	text_read_field(name, field, &kib);
	return kib * 1024;
}

static void count_memory(struct model_process *p)
{
	static const struct {
		enum seep_slot slot;
		const char *field;
	} parts[] = { { SLOT_MEMORY_ANON, "RssAnon:" },
		      { SLOT_MEMORY_FILE, "RssFile:" },
		      { SLOT_MEMORY_SHMEM, "RssShmem:" },
		      { SLOT_MEMORY_SWAP, "VmSwap:" },
		      { SLOT_MEMORY_PAGETABLE, "VmPTE:" } };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		model_cell_add(p->cells, parts[i].slot,
			       (int64_t)read_status_bytes(p->pid, parts[i].field));
	p->virtual_bytes = read_status_bytes(p->pid, "VmSize:");
	/* Counting mappings would wait for the process's own lock on its memory. */
	model_cells_unknown(p->cells, SLOT_MAPPING);
}

static void read_limits(struct model_process *p)
{
	char name[64], line[256];
	_cleanup_fclose_ FILE *f = NULL;
	unsigned long long soft;

	for (size_t i = 0; i < RLIMITS; i++)
		p->rlimits[i] = RLIMIT_INFINITE;
	snprintf(name, sizeof(name), "/proc/%d/limits", p->pid);
	f = fopen(name, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Max open files %llu", &soft) == 1)
			p->rlimits[RLIMITS_NOFILE] = soft;
		else if (sscanf(line, "Max processes %llu", &soft) == 1)
			p->rlimits[RLIMITS_NPROC] = soft;
		else if (sscanf(line, "Max pending signals %llu", &soft) == 1)
			p->rlimits[RLIMITS_SIGPENDING] = soft;
		else if (sscanf(line, "Max address space %llu", &soft) == 1)
			p->rlimits[RLIMITS_AS] = soft;
	}
}

static uint32_t read_uid(pid_t pid)
{
	char name[64];
	uint64_t uid = 0;

	snprintf(name, sizeof(name), "/proc/%d/status", pid);
	text_read_field(name, "Uid:", &uid);
	return (uint32_t)uid;
}

static uint32_t read_netns(pid_t pid)
{
	char name[64];
	struct stat st;

	snprintf(name, sizeof(name), "/proc/%d/ns/net", pid);
	return stat(name, &st) ? 0 : (uint32_t)st.st_ino;
}

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

void procfs_process(struct procfs *f, struct model *m, pid_t pid)
{
	struct stat_fields st;
	char comm[MODEL_COMM_SIZE];
	struct model_process *p;
	bool fresh;

	if (read_stat(pid, comm, sizeof(comm), &st) < 0)
		return; /* it ended since the directory was read */
	p = model_process(m, pid, st.start_ticks, 0, &fresh);
	if (!p)
		return;
	memcpy(p->comm, comm, sizeof(comm));
	p->parent = st.parent;
	p->kernel_thread = st.flags & PF_KTHREAD;
	p->zombie = st.state == 'Z' && st.threads <= 1;
	p->start_time = clock_boot_epoch() + (double)st.start_ticks * f->tick_seconds;
	p->cells[SLOT_THREAD].live = p->zombie ? 0 : st.threads;
	p->uid = read_uid(pid);
	p->netns = read_netns(pid);
	read_limits(p);
	identity_update(m, p, fresh, (uint64_t)pid);
	posix_timers_count(m, p);
	if (!p->kernel_thread)
		count_memory(p);
}

static void count_children(struct model *m)
{
	model_for_each_process (m, p) {
		struct model_process *parent = p->parent ? model_find(m, p->parent) : NULL;

		if (parent && p->seen == m->census && parent->seen == m->census)
			model_cell_add(parent->cells,
				       p->zombie ? SLOT_PROCESS_ZOMBIE : SLOT_PROCESS_CHILD, 1);
	}
}

int procfs_tasks(struct procfs *f, struct model *m)
{
	_cleanup_closedir_ DIR *d = opendir("/proc");

	if (!d)
		return -errno;
	for (long pid; (pid = next_number(d)) >= 0;)
		procfs_process(f, m, (pid_t)pid);
	count_children(m);
	return 0;
}

/* Without BPF the leader's table is what can be told; threads with a table of their own are rare,
 * and a leader that has exited shows none: then any thread's. */
static DIR *open_table(pid_t pid)
{
	char name[64];
	DIR *d, *tasks;
	long tid = -1;

	snprintf(name, sizeof(name), "/proc/%d/fd", pid);
	d = opendir(name);
	if (d && next_number(d) >= 0) {
		rewinddir(d);
		return d;
	}
	if (d)
		closedir(d);
	snprintf(name, sizeof(name), "/proc/%d/task", pid);
	tasks = opendir(name);
	while (tasks && (tid = next_number(tasks)) == pid)
		;
	if (tasks)
		closedir(tasks);
	if (tid < 0)
		return NULL;
	snprintf(name, sizeof(name), "/proc/%d/task/%ld/fd", pid, tid);
	return opendir(name);
}

static void count_files(struct model_process *p)
{
	_cleanup_closedir_ DIR *d = open_table(p->pid);
	char fd[32], target[PATH_MAX];

	for (long n; d && (n = next_number(d)) >= 0;) {
		ssize_t len;

		snprintf(fd, sizeof(fd), "%ld", n);
		len = readlinkat(dirfd(d), fd, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		model_cell_add(p->cells, file_link_slot(target), 1);
		if (strcmp(target, "anon_inode:[timerfd]") == 0)
			model_cell_add(p->cells, SLOT_TIMER_TIMERFD, 1);
	}
}

int procfs_files(struct procfs *f, struct model *m)
{
	static const enum seep_slot unknown[] = { SLOT_TCP,   SLOT_UDP,	    SLOT_UNIX,
						  SLOT_WATCH, SLOT_BACKLOG, SLOT_DELETED };

	model_for_each_process (m, p) {
		if (p->seen != m->census || p->kernel_thread ||
		    (f->only_pid && p->pid != f->only_pid))
			continue;
		count_files(p);
		for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
			model_cells_unknown(p->cells, unknown[i]);
		p->reason = "this host allows no BPF iterator";
	}
	return 0;
}
