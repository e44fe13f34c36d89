// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/base/child.h"
#include "agent/base/cleanup.h"

#define FDS_MAX	    8
#define END_WAIT_MS 200
#define HELD_MAX    16

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

static pid_t held[HELD_MAX];

size_t child_count_held(void)
{
	size_t n = 0;

	for (size_t i = 0; i < HELD_MAX; i++) {
		if (held[i] > 0 && waitpid(held[i], NULL, WNOHANG) != 0)
			held[i] = 0;
		n += held[i] > 0;
	}
	return n;
}

bool child_end(pid_t pid)
{
	child_count_held();
	if (pid <= 0)
		return true;
	kill(pid, SIGKILL);
	wait_end(pid);
	if (waitpid(pid, NULL, WNOHANG) != 0)
		return true;
	for (size_t i = 0; i < HELD_MAX; i++) {
		if (held[i] == 0) {
			held[i] = pid;
			break;
		}
	}
	return !child_look(pid).asleep;
}

static ssize_t read_proc(pid_t pid, const char *name, char *dst, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[48];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, dst, size - 1);
	dst[n > 0 ? n : 0] = '\0';
	return n;
}

struct child_look child_look(pid_t pid)
{
	struct child_look look = { 0 };
	char text[256];
	const char *state;

	read_proc(pid, "stat", text, sizeof(text));
	state = strrchr(text, ')'); /* after the name */
	look.asleep = state && state[1] == ' ' && (state[2] == 'D' || state[2] == 'S');
	read_proc(pid, "schedstat", text, sizeof(text)); /* time run, time waited, times run */
	sscanf(text, "%*u %*u %" SCNu64, &look.runs);
	return look;
}
