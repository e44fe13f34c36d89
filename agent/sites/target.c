// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "agent/base/cleanup.h"
#include "agent/sites/target.h"

static struct target *find(struct targets *t, pid_t pid)
{
	for (size_t i = 0; i < TARGETS_MAX; i++)
		if (t->slots[i].pid == pid)
			return &t->slots[i];
	return NULL;
}

static struct target *oldest(struct targets *t)
{
	struct target *best = &t->slots[0];

	for (size_t i = 1; i < TARGETS_MAX; i++)
		if (t->slots[i].used < best->used)
			best = &t->slots[i];
	return best;
}

static uint64_t drop(struct target *target)
{
	uint64_t name = target->name;

	if (target->pid)
		close(target->proc);
	*target = (struct target){ 0 };
	return name;
}

static int open_process(pid_t pid, int *ret_fd)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	*ret_fd = fd;
	return 0;
}

int targets_get(struct targets *t, pid_t pid, struct target **ret, uint64_t *ret_dropped)
{
	struct target *known = pid > 0 ? find(t, pid) : NULL;
	int fd = -1, r;

	*ret_dropped = 0;
	if (pid <= 0)
		return -EINVAL;
	if (!known || faccessat(known->proc, "stat", F_OK, 0) < 0) {
		r = open_process(pid, &fd);
		if (r < 0 && !known)
			return r;
		if (r == 0) {
			known = known ? known : oldest(t);
			*ret_dropped = drop(known);
			*known = (struct target){ .pid = pid, .proc = fd, .name = ++t->last_name };
		}
	}
	known->used = ++t->clock;
	*ret = known;
	return 0;
}

uint64_t targets_forget(struct targets *t, pid_t pid)
{
	struct target *known = pid > 0 ? find(t, pid) : NULL;

	return known ? drop(known) : 0;
}

void targets_free(struct targets *t)
{
	for (size_t i = 0; i < TARGETS_MAX; i++)
		drop(&t->slots[i]);
}
