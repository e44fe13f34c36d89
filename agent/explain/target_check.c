// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/explain/target_check.h"

#define PF_KTHREAD 0x00200000

/* State and flags of proc_pid_stat(5), fields 3 and 9; the name before them may hold anything. */
static int read_stat(pid_t pid, char *ret_state, unsigned int *ret_flags)
{
	char path[64], line[512];
	const char *end;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	r = text_read(path, line, sizeof(line));
	if (r < 0)
		return r;
	end = strrchr(line, ')');
	if (!end || sscanf(end + 1, " %c %*d %*d %*d %*d %*d %u", ret_state, ret_flags) != 2)
		return -EPROTO;
	return 0;
}

int target_open(pid_t pid, int *ret_pidfd)
{
	char path[64], state;
	unsigned int flags;
	uint64_t leader;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (read_stat(pid, &state, &flags) < 0 || text_read_field(path, "Tgid:", &leader) < 0)
		return log_error(-ESRCH, "explain: process %d", pid);
	if (leader != (uint64_t)pid) {
		log_error(0, "explain: %d is a thread of process %d", pid, (int)leader);
		return -EINVAL;
	}
	if (flags & PF_KTHREAD) {
		log_error(0, "explain: process %d is a kernel thread, which has no program", pid);
		return -EINVAL;
	}
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return log_error(-errno, "explain: process %d", pid);
	*ret_pidfd = fd;
	return 0;
}
