// SPDX-License-Identifier: GPL-2.0-only
/* Who a process number means: ends, numbers that are used again, and more processes than slots. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/sched.h>

#include "agent/base/cleanup.h"
#include "agent/sites/target.h"

/* A child that waits; wanted is the number that it is to have, or 0. */
static pid_t start_child(pid_t wanted)
{
	struct clone_args args = { .exit_signal = SIGCHLD,
				   .set_tid = wanted ? (uintptr_t)&wanted : 0,
				   .set_tid_size = wanted ? 1 : 0 };
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static uint64_t name_of(struct targets *t, pid_t pid, uint64_t *ret_dropped)
{
	struct target *target;

	assert_int_equal(targets_get(t, pid, &target, ret_dropped), 0);
	assert_int_equal(target->pid, pid);
	return target->name;
}

static void test_number_used_again(void **state)
{
	struct targets t = { 0 };
	pid_t pid = start_child(0);
	uint64_t dropped, first = name_of(&t, pid, &dropped);

	assert_int_equal(dropped, 0);
	assert_int_equal(name_of(&t, pid, &dropped), first);
	end_child(pid);
	assert_int_equal(name_of(&t, pid, &dropped), first); /* still known */
	assert_int_equal(start_child(pid), pid);
	assert_int_not_equal(name_of(&t, pid, &dropped), first);
	assert_int_equal(dropped, first);
	end_child(pid);
	targets_free(&t);
}

static void test_gone(void **state)
{
	struct targets t = { 0 };
	struct target *target;
	pid_t pid = start_child(0);
	uint64_t dropped, name = name_of(&t, pid, &dropped);

	end_child(pid);
	assert_int_equal(targets_forget(&t, pid), name);
	assert_int_equal(targets_forget(&t, pid), 0);
	assert_int_equal(targets_get(&t, pid, &target, &dropped), -ESRCH);
	assert_int_equal(targets_get(&t, 0, &target, &dropped), -EINVAL);
	assert_int_equal(targets_get(&t, -1, &target, &dropped), -EINVAL);
	targets_free(&t);
}

static int count_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_more_than_slots(void **state)
{
	struct targets t = { 0 };
	pid_t pids[TARGETS_MAX + 2];
	uint64_t names[ARRAY_SIZE(pids)], dropped;
	int before = count_descriptors();

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = start_child(0);
		names[i] = name_of(&t, pids[i], &dropped);
		/* the first is asked for again and again: the second and third go */
		assert_int_equal(dropped, i < TARGETS_MAX ? 0 : names[i - TARGETS_MAX + 1]);
		assert_int_equal(name_of(&t, pids[0], &dropped), names[0]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		end_child(pids[i]);
	targets_free(&t);
	assert_int_equal(count_descriptors(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_number_used_again),
					    cmocka_unit_test(test_gone),
					    cmocka_unit_test(test_more_than_slots) };

	return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
