// SPDX-License-Identifier: GPL-2.0-only
/* Each forbidden call is tried inside the sandbox: it fails, or it kills. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "agent/base/child.h"
#include "agent/base/cleanup.h"
#include "agent/base/message.h"
#include "agent/base/sandbox.h"
#include "tests/unit/proc_status.h"

#define MEMORY_LIMIT (256ul << 20)

enum { DIES, FAILS, WORKS };

static long try_open(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static long try_open_old(void)
{
	return syscall(SYS_open, "/", O_RDONLY);
}

static long try_exec(void)
{
	char *argv[] = { "true", NULL };

	return execve("/bin/true", argv, argv + 1);
}

static long try_exec_descriptor(void)
{
	char *argv[] = { "true", NULL };

	return syscall(SYS_execveat, CHILD_FIRST_FD, "", argv, argv + 1, AT_EMPTY_PATH);
}

static long try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long try_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, 1, NULL, NULL);
}

static long try_bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0);
}

static long try_fork(void)
{
	return syscall(SYS_fork);
}

static long try_kill(void)
{
	return kill(getpid(), 0);
}

static long try_stat(void)
{
	char buffer[256];

	return syscall(SYS_newfstatat, AT_FDCWD, "/", buffer, 0);
}

static long try_unlink(void)
{
	return unlink("/tmp");
}

static long try_setuid(void)
{
	return syscall(SYS_setuid, 0);
}

static long try_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL);
}

static long try_perf(void)
{
	return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}

static long try_process_memory(void)
{
	return syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0);
}

static long try_executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? -1
		       : 0;
}

static long try_much_memory(void)
{
	char *p = malloc(2 * MEMORY_LIMIT);

	if (!p) {
		errno = EPERM;
		return -1;
	}
	p[0] = 1;
	return p[0];
}

static long try_memory(void)
{
	char *p = malloc(MEMORY_LIMIT / 8);

	if (p)
		p[4096] = 1;
	return p && p[4096] ? 0 : -1;
}

static const struct {
	const char *name;
	long (*call)(void);
	int expected;
} trials[] = {
	{ "openat", try_open, FAILS },
	{ "open", try_open_old, FAILS },
	{ "execve", try_exec, DIES },
	{ "execveat", try_exec_descriptor, DIES },
	{ "socket", try_socket, DIES },
	{ "ptrace", try_ptrace, DIES },
	{ "bpf", try_bpf, DIES },
	{ "fork", try_fork, FAILS },
	{ "kill", try_kill, FAILS },
	{ "stat", try_stat, FAILS },
	{ "unlink", try_unlink, FAILS },
	{ "setuid", try_setuid, FAILS },
	{ "io_uring_setup", try_io_uring, FAILS },
	{ "perf_event_open", try_perf, FAILS },
	{ "process_vm_readv", try_process_memory, FAILS },
	{ "mmap executable", try_executable_memory, FAILS },
	{ "malloc over the limit", try_much_memory, FAILS },
	{ "malloc", try_memory, WORKS },
};

/* In the child: enter, say so, then try what the message names and tell the result. */
static int sandboxed(void)
{
	static const struct sandbox spec = { .name = "seep-test",
					     .address_space = MEMORY_LIMIT,
					     .descriptors = 16 };
	int r = sandbox_enter(&spec);
	struct iovec part = { .iov_base = &r, .iov_len = sizeof(r) };
	unsigned int trial;

	message_send(CHILD_FIRST_FD, &part, 1, -1, 0);
	if (r < 0 || message_receive(CHILD_FIRST_FD, &trial, sizeof(trial), 0, NULL) < 0)
		return 1;
	errno = 0;
	r = trials[trial].call() < 0 ? -errno : 0;
	message_send(CHILD_FIRST_FD, &part, 1, -1, 0);
	return 0;
}

extern const struct child_entry test_entry;
CHILD_ENTRY(test_entry, "seep-test", sandboxed)

struct child {
	pid_t pid;
	int socket;
};

static int start(struct child *c)
{
	_cleanup_close_ int theirs = -1;
	int pair[2], status;

	assert_int_equal(message_pair(pair), 0);
	theirs = pair[1];
	c->socket = pair[0];
	assert_int_equal(child_spawn(&test_entry, &theirs, 1, &c->pid), 0);
	assert_int_equal(message_receive(c->socket, &status, sizeof(status),
					 monotonic_ns() + 5000000000ull, NULL),
			 sizeof(status));
	return status;
}

static int run_trial(unsigned int trial, int *ret_status)
{
	struct iovec part = { .iov_base = &trial, .iov_len = sizeof(trial) };
	struct child c;
	int result = 0;

	assert_int_equal(start(&c), 0);
	assert_int_equal(message_send(c.socket, &part, 1, -1, 0), 0);
	if (message_receive(c.socket, &result, sizeof(result), monotonic_ns() + 5000000000ull,
			    NULL) < 0)
		result = 1;
	close(c.socket);
	assert_int_equal(waitpid(c.pid, ret_status, 0), c.pid);
	return result;
}

static void test_calls(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(trials); i++) {
		int status = 0, result = run_trial(i, &status);

		if (trials[i].expected == DIES) {
			if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
				fail_msg("%s did not kill", trials[i].name);
		} else if (result != (trials[i].expected == FAILS ? -EPERM : 0)) {
			fail_msg("%s: result %d", trials[i].name, result);
		}
	}
}

static void assert_descriptors(pid_t pid, int count)
{
	char path[64], target[256];
	int fd;

	for (fd = 0; fd < 64; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		if (fd < CHILD_FIRST_FD ? strcmp(target, "/dev/null") != 0
					: fd >= count || strncmp(target, "socket:", 7) != 0)
			fail_msg("descriptor %d is %s", fd, target);
	}
}

static void test_state(void **state)
{
	_cleanup_close_ int secret = open("/etc/passwd", O_RDONLY); /* not even closed on exec */
	struct child c;

	assert_int_equal(start(&c), 0);
	assert_int_equal(status_value(c.pid, "CapEff", 16), 0);
	assert_int_equal(status_value(c.pid, "CapPrm", 16), 0);
	assert_int_equal(status_value(c.pid, "CapAmb", 16), 0);
	assert_int_equal(status_value(c.pid, "NoNewPrivs", 10), 1);
	assert_int_equal(status_value(c.pid, "Seccomp", 10), 2);
	if (geteuid() == 0)
		assert_int_equal(status_value(c.pid, "Uid", 10), 65534);
	assert_descriptors(c.pid, CHILD_FIRST_FD + 1);
	close(c.socket);
	child_end(c.pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_calls),
					    cmocka_unit_test(test_state) };

	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
