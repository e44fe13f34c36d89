// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/explain/target_check.h"

#define PF_KTHREAD 0x00200000

/* Of proc_pid_stat(5), fields 3, 9 and 22; the name before them may hold anything. */
struct stat_line {
	char state;
	unsigned int flags;
	unsigned long long start; /* ticks since the host's */
};

static int read_stat(pid_t pid, struct stat_line *ret)
{
	char path[64], line[512];
	const char *end;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	r = text_read(path, line, sizeof(line));
	if (r < 0)
		return r;
	end = strrchr(line, ')');
	if (!end || sscanf(end + 1,
			   " %c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
			   "%*d %llu",
			   &ret->state, &ret->flags, &ret->start) != 3)
		return -EPROTO;
	return 0;
}

double target_age(pid_t pid)
{
	struct stat_line line;

	if (read_stat(pid, &line) < 0)
		return NAN;
	return clock_seconds(CLOCK_BOOTTIME) - (double)line.start / (double)sysconf(_SC_CLK_TCK);
}

int target_open(pid_t pid, int *ret_pidfd)
{
	struct stat_line line;
	char path[64];
	uint64_t leader;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (read_stat(pid, &line) < 0 || text_read_field(path, "Tgid:", &leader) < 0)
		return log_error(-ESRCH, "explain: process %d", pid);
	if (leader != (uint64_t)pid) {
		log_error(0, "explain: %d is a thread of process %d", pid, (int)leader);
		return -EINVAL;
	}
	if (line.flags & PF_KTHREAD) {
		log_error(0, "explain: process %d is a kernel thread, which has no program", pid);
		return -EINVAL;
	}
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return log_error(-errno, "explain: process %d", pid);
	*ret_pidfd = fd;
	return 0;
}
