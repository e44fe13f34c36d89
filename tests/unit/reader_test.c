// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader on real processes: forks of this program, stopped by ptrace in the middle of a system
 * call. It is built like any other program of a distribution: -O2 -g, no frame pointers.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/base/message.h"
#include "agent/sites/reader.h"

/* The guilty ones. Not inlined, and more to do after the call, so that it is one. */
#define KEEP __attribute__((noinline, noclone, used))

static volatile int sink;
static int guilty_line, inlined_line;

static inline __attribute__((always_inline)) int inlined_helper(int clock)
{
	int fd;

	inlined_line = __LINE__ + 1;
	fd = timerfd_create(clock, TFD_CLOEXEC);
	sink += fd;
	return fd;
}

KEEP static int guilty(int clock)
{
	char pad[300];
	int fd;

	guilty_line = __LINE__ + 1;
	fd = inlined_helper(clock);
	pad[fd & 127] = (char)fd;
	sink += pad[sink & 127];
	return fd;
}

KEEP static int caller_one(int clock)
{
	int fd = guilty(clock);

	sink += fd;
	return fd + 1;
}

KEEP static int caller_two(void)
{
	int r = caller_one(CLOCK_MONOTONIC);

	sink ^= r;
	return r;
}

static void nothing(void)
{
}

/* A fork that runs body under ptrace and is stopped at its entry to the system call. */
static pid_t start_traced(void (*prepare)(void), int (*body)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		prepare();
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		sink += body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	return pid;
}

static void run_to_call(pid_t pid, unsigned long long number)
{
	struct user_regs_struct regs;
	int status;

	do {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSTOPPED(status));
		assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &regs), 0);
	} while (regs.orig_rax != number);
}

static void end_traced(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void copy_registers(struct stack_copy *copy, const struct user_regs_struct *r)
{
	const uint64_t regs[STACK_REGISTERS] = { r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi,
						 r->rbp, r->rsp, r->r8,	 r->r9,	 r->r10, r->r11,
						 r->r12, r->r13, r->r14, r->r15, r->rip };

	memcpy(copy->regs, regs, sizeof(regs));
}

static void copy_stack(pid_t pid, struct stack_copy *copy)
{
	struct user_regs_struct regs;
	size_t size = STACK_COPY_BYTES;
	ssize_t n = -1;

	assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &regs), 0);
	memset(copy, 0, sizeof(*copy));
	copy_registers(copy, &regs);
	for (; n < 0 && size > 0; size /= 2) { /* the stack may end before */
		struct iovec here = { copy->bytes, size }, there = { (void *)regs.rsp, size };

		n = process_vm_readv(pid, &here, 1, &there, 1, 0);
	}
	assert_true(n > 0);
	copy->size = (uint32_t)n;
	copy->truncated = 1;
}

static struct reader *new_reader(void)
{
	struct reader *r = NULL;

	assert_int_equal(reader_new(&r), 0);
	return r;
}

struct names {
	struct site_frame *frames;
	size_t n;
};

static void show(const struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		print_message("#%zu %s %s:%d %s+%#llx\n", i, names->frames[i].function,
			      names->frames[i].file, names->frames[i].line, names->frames[i].module,
			      (unsigned long long)names->frames[i].offset);
}

static struct names name_stack(struct reader *r, pid_t pid, const struct stack_copy *copy)
{
	uint64_t pcs[SITE_FRAMES];
	struct names names = { 0 };
	size_t n = 0;

	assert_int_equal(reader_unwind(r, pid, copy, pcs, SITE_FRAMES, &n), 0);
	assert_int_equal(reader_symbolize(r, pid, pcs, n, &names.frames, &names.n), 0);
	return names;
}

static size_t find_name(const struct names *names, const char *function)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->frames[i].function, function) == 0)
			return i;
	show(names);
	fail_msg("%s is not in the stack", function);
	return 0;
}

static void assert_frame(const struct names *names, size_t i, const char *function, int line)
{
	const struct site_frame *f = &names->frames[i];

	if (i >= names->n || strcmp(f->function, function) != 0 || (line && f->line != line) ||
	    !strstr(f->file, "reader_test.c")) {
		show(names);
		fail_msg("frame %zu is not %s at line %d", i, function, line);
	}
}

/* The lines are noted by the functions when they run: here too, once. */
static void learn_lines(void)
{
	close(caller_two() - 1);
}

static void test_guilty_function(void **state)
{
	_cleanup_free_ struct stack_copy *copy = malloc(sizeof(*copy));
	struct reader *r = new_reader();
	pid_t pid = start_traced(nothing, caller_two);
	struct names names;

	learn_lines();
	run_to_call(pid, SYS_timerfd_create);
	copy_stack(pid, copy);
	names = name_stack(r, pid, copy);
	assert_string_equal(names.frames[0].function, "timerfd_create");
	assert_non_null(strstr(names.frames[0].module, "libc"));
	assert_frame(&names, 1, "inlined_helper", inlined_line);
	assert_frame(&names, 2, "guilty", guilty_line);
	assert_frame(&names, 3, "caller_one", 0);
	assert_frame(&names, 4, "caller_two", 0);
	find_name(&names, "main");
	assert_true(reader_last(r).complete);
	assert_int_equal(reader_last(r).guessed, 0);
	site_frames_free(names.frames, names.n);
	end_traced(pid);
	reader_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_guilty_function) };

	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
