// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cap-ng.h>
#include <seccomp.h>

#include "agent/base/cleanup.h"
#include "agent/base/sandbox.h"

#define NOBODY 65534 /* the overflow id, which owns nothing */

static const int common_calls[] = {
	SCMP_SYS(brk),		 SCMP_SYS(munmap),	 SCMP_SYS(mremap),
	SCMP_SYS(madvise),	 SCMP_SYS(futex),	 SCMP_SYS(read),
	SCMP_SYS(readv),	 SCMP_SYS(pread64),	 SCMP_SYS(preadv),
	SCMP_SYS(write),	 SCMP_SYS(writev),	 SCMP_SYS(lseek),
	SCMP_SYS(close),	 SCMP_SYS(fstat),	 SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg),	 SCMP_SYS(poll),	 SCMP_SYS(ppoll),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),	 SCMP_SYS(getpid),	 SCMP_SYS(gettid),
	SCMP_SYS(getrandom),	 SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(exit),		 SCMP_SYS(exit_group),	 SCMP_SYS(restart_syscall),
};

/* Nobody who is not attacked calls these. */
static const int deadly_calls[] = { SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(socket),
				    SCMP_SYS(ptrace), SCMP_SYS(bpf) };

static bool is_listed(int call, const int *list)
{
	for (; list && *list != -1; list++)
		if (*list == call)
			return true;
	return false;
}

static int allow_calls(scmp_filter_ctx ctx, const struct sandbox *s)
{
	struct scmp_arg_cmp not_executable = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, not_executable);

	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, not_executable);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(common_calls); i++)
		if (!is_listed(common_calls[i], s->calls))
			r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, common_calls[i], 0);
	for (const int *c = s->calls; r == 0 && c && *c != -1; c++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, *c, 0);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(deadly_calls); i++)
		if (!is_listed(deadly_calls[i], s->calls))
			r = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, deadly_calls[i], 0);
	return r;
}

static void cleanup_filter(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

static int filter_calls(const struct sandbox *s)
{
	_cleanup_(cleanup_filter) scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!ctx)
		return -ENOMEM;
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = allow_calls(ctx, s);
	return r == 0 ? seccomp_load(ctx) : r;
}

static int limit(int resource, rlim_t value)
{
	struct rlimit l = { value, value };

	return setrlimit(resource, &l) < 0 ? -errno : 0;
}

static int limit_all(const struct sandbox *s)
{
	int r = limit(RLIMIT_CORE, 0);

	if (r == 0)
		r = limit(RLIMIT_NOFILE, s->descriptors);
	if (r == 0 && s->address_space > 0)
		r = limit(RLIMIT_AS, s->address_space);
	return r;
}

/* A directory that has no other below it and goes with the process. */
static void leave_file_system(void)
{
	if (chroot("/proc/self/fdinfo") == 0 && chdir("/") < 0)
		_exit(127);
}

static uint64_t held_of(const int *capabilities)
{
	uint64_t held = 0;

	capng_get_caps_process();
	for (const int *c = capabilities; c && *c != -1; c++)
		if (capng_have_capability(CAPNG_PERMITTED, (unsigned int)*c))
			held |= 1ull << *c;
	return held;
}

static void select_capabilities(uint64_t kept)
{
	capng_clear(CAPNG_SELECT_CAPS);
	for (unsigned int c = 0; c <= CAP_LAST_CAP; c++)
		if (kept >> c & 1)
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, c);
}

/* Judged by what is left, since each step may fail for one who never had the right. */
static int drop_privileges(const int *keep)
{
	uint64_t kept = held_of(keep);

	select_capabilities(kept);
	if (capng_change_id(NOBODY, NOBODY, CAPNG_DROP_SUPP_GRP) < 0) {
		select_capabilities(kept); /* the attempt has asked for more */
		capng_apply(CAPNG_SELECT_CAPS);
	}
	capng_get_caps_process();
	for (unsigned int c = 0; c <= CAP_LAST_CAP; c++)
		if (capng_have_capability(CAPNG_PERMITTED, c) && !(kept >> c & 1))
			return -EPERM;
	return 0;
}

int sandbox_enter(const struct sandbox *s)
{
	int r = limit_all(s);

	if (r < 0)
		return r;
	prctl(PR_SET_NAME, s->name);
	if (!s->keep_root)
		leave_file_system();
	r = drop_privileges(s->capabilities);
	if (r < 0)
		return r;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return filter_calls(s);
}
