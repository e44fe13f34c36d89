// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include <bpf/libbpf.h>

#include "agent/base/cleanup.h"
#include "agent/probe/memlock.h"
#include "agent/probe/uprobe.h"
#include "agent/sites/reader.h"

/* Of linux/bpf.h since 6.6; the installed header may be older. */
#define ATTACH_TRACE_UPROBE_MULTI 48
#define UPROBE_MULTI_RETURN	  1

/* union bpf_attr as BPF_LINK_CREATE reads it for uprobe_multi. */
struct multi_attr {
	__u32 program_fd, target_fd, attach_type, flags;
	__u64 path, offsets, ref_ctr_offsets, cookies;
	__u32 count, multi_flags, pid, pad;
};

struct probe {
	dev_t device;
	ino_t inode;
	int file_fd; /* owned */
	int program_fd;
	unsigned int flags;
	uint64_t offset;
};

#define PROBES_MAX   64
#define IN_FLIGHT_MS 50 /* far more than a CPU takes from a trap to the kernel's look at it */

struct uprobe_set {
	pid_t pid;
	enum uprobe_rung rung;
	struct probe probes[PROBES_MAX];
	size_t n;
	int fds[PROBES_MAX]; /* links or perf events */
	size_t n_fds;
	struct probe hold; /* its file_fd is -1: there is none */
	int hold_fd;
	pid_t obstacle;
};

const char *uprobe_rung_name(enum uprobe_rung rung)
{
	static const char *const names[] = { "none", "perf_uprobe", "uprobe_multi" };

	return names[rung];
}

int uprobe_prepare(struct bpf_program *program, enum uprobe_rung rung)
{
	bpf_program__set_autoload(program, true);
	if (rung != UPROBE_MULTI)
		return 0;
	return bpf_program__set_expected_attach_type(program, ATTACH_TRACE_UPROBE_MULTI);
}

int uprobe_set_new(pid_t pid, enum uprobe_rung rung, struct uprobe_set **ret)
{
	struct uprobe_set *set = calloc(1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	set->pid = pid;
	set->rung = rung;
	set->hold.file_fd = set->hold_fd = -1;
	*ret = set;
	return 0;
}

static void let_go(struct uprobe_set *set)
{
	struct timespec pause = { .tv_nsec = IN_FLIGHT_MS * 1000000L };

	if (set->hold_fd >= 0) {
		nanosleep(&pause, NULL);
		close(set->hold_fd);
	}
	if (set->hold.file_fd >= 0)
		close(set->hold.file_fd);
}

size_t uprobe_set_size(const struct uprobe_set *set)
{
	return set->n;
}

void uprobe_set_cut(struct uprobe_set *set, size_t n)
{
	while (set->n > n)
		close(set->probes[--set->n].file_fd);
}

void uprobe_set_free(struct uprobe_set *set)
{
	if (!set)
		return;
	uprobe_set_detach(set);
	let_go(set);
	uprobe_set_cut(set, 0);
	free(set);
}

static int fill_probe(struct probe *p, int file_fd, uint64_t offset, int program_fd,
		      unsigned int flags)
{
	struct stat st;

	if (fstat(file_fd, &st) < 0)
		return -errno;
	*p = (struct probe){ st.st_dev, st.st_ino, -1, program_fd, flags, offset };
	p->file_fd = fcntl(file_fd, F_DUPFD_CLOEXEC, 0);
	return p->file_fd < 0 ? -errno : 0;
}

int uprobe_set_add(struct uprobe_set *set, int file_fd, uint64_t offset, int program_fd,
		   unsigned int flags)
{
	int r = set->n < PROBES_MAX
			? fill_probe(&set->probes[set->n], file_fd, offset, program_fd, flags)
			: -E2BIG;

	set->n += r == 0;
	return r;
}

int uprobe_hold_start(struct uprobe_set *set, struct reader *reader, int program_fd)
{
	_cleanup_close_ int fd = -1;
	uint64_t offset;
	int r = reader_find_start(reader, set->pid, &offset, &fd);

	return r < 0 ? r : fill_probe(&set->hold, fd, offset, program_fd, 0);
}

static bool same_link(const struct probe *a, const struct probe *b)
{
	return a->device == b->device && a->inode == b->inode && a->program_fd == b->program_fd &&
	       a->flags == b->flags;
}

/* A link for n offsets in the file of a probe. */
static int open_multi(const struct uprobe_set *set, const struct probe *p, const uint64_t *offsets,
		      uint32_t n)
{
	struct multi_attr attr = { 0 };
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", p->file_fd);
	attr.program_fd = (__u32)p->program_fd;
	attr.attach_type = ATTACH_TRACE_UPROBE_MULTI;
	attr.path = (uintptr_t)path;
	attr.offsets = (uintptr_t)offsets;
	attr.count = n;
	attr.multi_flags = p->flags & UPROBE_RETURN ? UPROBE_MULTI_RETURN : 0;
	attr.pid = (__u32)set->pid;
	fd = (int)syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	return fd < 0 ? -errno : fd;
}

/* One link for the probes of the set that go with the first one; marks them as done. */
static int attach_multi(struct uprobe_set *set, size_t first, bool done[])
{
	const struct probe *p = &set->probes[first];
	uint64_t offsets[PROBES_MAX];
	uint32_t n = 0;

	for (size_t i = first; i < set->n; i++) {
		if (done[i] || !same_link(p, &set->probes[i]))
			continue;
		offsets[n++] = set->probes[i].offset;
		done[i] = true;
	}
	return open_multi(set, p, offsets, n);
}

/* The number of the kernel's uprobe event source, and which bit of config means "return". */
static int perf_source(uint32_t *ret_type)
{
	_cleanup_fclose_ FILE *f = fopen("/sys/bus/event_source/devices/uprobe/type", "re");

	if (!f)
		return -errno;
	return fscanf(f, "%u", ret_type) == 1 ? 0 : -ENODATA;
}

static int open_perf(const struct uprobe_set *set, const struct probe *p)
{
	struct perf_event_attr attr = { .size = sizeof(attr) };
	_cleanup_close_ int fd = -1;
	char path[32];
	int r;

	r = perf_source(&attr.type);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p->file_fd);
	attr.config = p->flags & UPROBE_RETURN ? 1 : 0;
	attr.uprobe_path = (uintptr_t)path;
	attr.probe_offset = p->offset;
	fd = (int)syscall(__NR_perf_event_open, &attr, set->pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, p->program_fd) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int attach_some(struct uprobe_set *set, unsigned int flags)
{
	bool done[PROBES_MAX] = { false };

	for (size_t i = 0; i < set->n; i++) {
		int fd;

		if (done[i] || set->probes[i].flags != flags)
			continue;
		fd = set->rung == UPROBE_MULTI ? attach_multi(set, i, done)
					       : open_perf(set, &set->probes[i]);
		if (fd < 0)
			return fd;
		set->fds[set->n_fds++] = fd;
	}
	return 0;
}

static int attach_hold(struct uprobe_set *set)
{
	const struct probe *p = &set->hold;
	int fd;

	if (p->file_fd < 0 || set->hold_fd >= 0)
		return 0;
	fd = set->rung == UPROBE_MULTI ? open_multi(set, p, &p->offset, 1) : open_perf(set, p);
	if (fd < 0)
		return fd;
	set->hold_fd = fd;
	return 0;
}

/* 0 when nobody keeps a lock that the kernel will wait for. */
static int wait_locks(struct uprobe_set *set)
{
	int r = 0;

	set->obstacle = 0;
	for (size_t i = 0; i < set->n && r == 0; i++)
		if (i == 0 || set->probes[i].inode != set->probes[i - 1].inode)
			r = memlock_wait(set->pid, set->probes[i].inode, &set->obstacle);
	return r;
}

pid_t uprobe_set_obstacle(const struct uprobe_set *set)
{
	return set->obstacle;
}

int uprobe_set_attach(struct uprobe_set *set)
{
	/* Returns first: a call that is seen entering is then seen leaving. */
	static const unsigned int order[] = { UPROBE_RETURN, 0, UPROBE_RETURN | UPROBE_HOT,
					      UPROBE_HOT };
	int r = wait_locks(set);

	if (r == 0)
		r = attach_hold(set);
	for (size_t i = 0; i < ARRAY_SIZE(order) && r == 0; i++)
		r = attach_some(set, order[i]);
	if (r < 0)
		uprobe_set_detach(set);
	return r;
}

static void *close_one(void *fd)
{
	close((int)(intptr_t)fd);
	return NULL;
}

/*
 * The kernel waits for a grace period in each close; the waits overlap when the closes do. A thread
 * that cannot be had costs only time.
 */
void uprobe_set_detach(struct uprobe_set *set)
{
	pthread_t threads[PROBES_MAX];
	bool running[PROBES_MAX];

	for (size_t i = set->n_fds; i-- > 0;) {
		void *fd = (void *)(intptr_t)set->fds[i];

		running[i] = pthread_create(&threads[i], NULL, close_one, fd) == 0;
		if (!running[i])
			close_one(fd);
	}
	for (size_t i = 0; i < set->n_fds; i++)
		if (running[i])
			pthread_join(threads[i], NULL);
	set->n_fds = 0;
}
