/* SPDX-License-Identifier: GPL-2.0-only */
/* Forks of a test program, stopped by ptrace in a system call, and copies of their stacks. */
#pragma once

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/lib/stack.h"

/* A fork that will run body; it is stopped before it. */
static inline pid_t traced_start(int (*body)(void))
{
	static volatile int sink;
	pid_t pid = fork();

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		sink += body();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

/* Run on to the entry of a system call; signals are delivered. */
static inline void traced_run_to(pid_t pid, unsigned long long number)
{
	struct user_regs_struct regs;
	int status, signal = 0;

	do {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, signal), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSTOPPED(status));
		signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
		assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &regs), 0);
	} while (signal != 0 || regs.orig_rax != number);
}

static inline void traced_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* As BPF makes it: at most STACK_COPY_BYTES, fewer where the stack ends. */
static inline void traced_copy(pid_t pid, struct stack_copy *copy)
{
	struct user_regs_struct r;
	size_t size = STACK_COPY_BYTES;
	ssize_t n = -1;

	assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &r), 0);
	*copy = (struct stack_copy){ .regs = { r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp,
					       r.rsp, r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14,
					       r.r15, r.rip } };
	for (; n < 0 && size > 0; size /= 2) {
		struct iovec here = { copy->bytes, size }, there = { (void *)r.rsp, size };

		n = process_vm_readv(pid, &here, 1, &there, 1, 0);
	}
	assert_true(n > 0);
	copy->size = (uint32_t)n;
	copy->truncated = 1;
}
