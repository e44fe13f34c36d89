// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <seccomp.h>

#include "agent/base/cleanup.h"
#include "agent/probe/uprobe_own.h"

/* As a container's: what is not known is refused. */
static int refuse_most(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!filter)
		return -ENOMEM;
	r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(exit_group), 0);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

/* Waits for the probe, then calls. Exits with 0 when the call came back as it should. */
static void run_child(int go)
{
	static const struct rlimit no_core;
	char c;

	setrlimit(RLIMIT_CORE, &no_core);
	if (read(go, &c, 1) != 1 || refuse_most() < 0)
		_exit(2);
	_exit(trapped_cheap(1) == 2 ? 0 : 1);
}

/* 1 when it ended well, 0 when it did not. */
static int reap(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) < 0)
		return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		return -EPERM;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int try_child(const struct trial *t, pid_t child, int go)
{
	struct uprobe_set *set = NULL;
	int r = trial_attach(t, child, trapped_cheap, UPROBE_RETURN, &set);

	if (r < 0 || write(go, "", 1) != 1)
		kill(child, SIGKILL);
	r = r < 0 ? (reap(child), r) : reap(child);
	uprobe_set_free(set);
	return r == 1 && trial_hits(t) != 1 ? -EOPNOTSUPP : r;
}

int uprobe_survives_filter(enum uprobe_rung rung)
{
	_cleanup_(trial_close) struct trial trial = { .file_fd = -1 };
	_cleanup_close_ int go = -1;
	int pipe_fds[2], r;
	pid_t child;

	r = trial_open(rung, &trial);
	if (r < 0)
		return r;
	if (pipe(pipe_fds) < 0)
		return -errno;
	go = pipe_fds[1];
	child = fork();
	if (child == 0)
		run_child(pipe_fds[0]);
	close(pipe_fds[0]);
	return child < 0 ? -errno : try_child(&trial, child, go);
}
