// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/base/child.h"
#include "agent/base/cleanup.h"

#define FDS_MAX	    8
#define END_WAIT_MS 200
#define LOST_MAX    16

/* After fork in what may be a process of many threads: async-signal-safe calls only. */
static int place_descriptors(const int *fds, size_t n)
{
	int copies[FDS_MAX];
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		return -errno;
	for (size_t i = 0; i < n; i++) {
		copies[i] = fcntl(fds[i], F_DUPFD, CHILD_FIRST_FD + FDS_MAX);
		if (copies[i] < 0)
			return -errno;
	}
	for (int i = 0; i < CHILD_FIRST_FD; i++)
		if (dup2(null, i) < 0)
			return -errno;
	for (size_t i = 0; i < n; i++)
		if (dup2(copies[i], CHILD_FIRST_FD + (int)i) < 0)
			return -errno;
	return close_range(CHILD_FIRST_FD + (unsigned int)n, ~0u, 0) < 0 ? -errno : 0;
}

static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become(const char *name, const int *fds, size_t n, pid_t parent)
{
	char *const argv[] = { (char *)name, NULL };
	char *const envp[] = { NULL };

	/* Kept over the exec; a change of credentials clears it, so the sandbox sets it again. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent && place_descriptors(fds, n) == 0) {
		reset_signals();
		execve("/proc/self/exe", argv, envp);
	}
	_exit(127);
}

int child_spawn(const struct child_entry *entry, const int *fds, size_t n, pid_t *ret_pid)
{
	pid_t parent = getpid(), pid;

	if (n > FDS_MAX)
		return -EINVAL;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(entry->name, fds, n, parent);
	*ret_pid = pid;
	return 0;
}

/* A killed child ends at once unless the kernel waits for a file server on its behalf. */
static void wait_end(pid_t pid)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd >= 0)
		poll(&p, 1, END_WAIT_MS);
}

void child_end(pid_t pid)
{
	static pid_t lost[LOST_MAX];

	for (size_t i = 0; i < LOST_MAX; i++)
		if (lost[i] > 0 && waitpid(lost[i], NULL, WNOHANG) != 0)
			lost[i] = 0;
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	wait_end(pid);
	if (waitpid(pid, NULL, WNOHANG) != 0)
		return;
	for (size_t i = 0; i < LOST_MAX; i++) {
		if (lost[i] == 0) {
			lost[i] = pid;
			return;
		}
	}
}
