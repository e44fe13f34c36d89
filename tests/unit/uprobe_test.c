// SPDX-License-Identifier: GPL-2.0-only
/* User probes on this very program. Needs root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/probe/uprobe_own.h"

static const enum uprobe_rung rungs[] = { UPROBE_PERF, UPROBE_MULTI };

static bool cannot_probe(enum uprobe_rung rung)
{
	struct uprobe_host host;

	return geteuid() != 0 || uprobe_calibrate(&host) < 0 || rung > host.rung;
}

/* Hits are counted while attached, by entry and by return, and not afterwards. */
static void test_attach_and_detach(void **state)
{
	enum uprobe_rung rung = *(const enum uprobe_rung *)*state;
	static const unsigned int flags[] = { 0, UPROBE_HOT, UPROBE_RETURN };
	struct trial t = { .file_fd = -1 };

	if (cannot_probe(rung))
		skip();
	assert_int_equal(trial_open(rung, &t), 0);
	for (uint64_t i = 0; i < 3; i++) {
		struct uprobe_set *set;

		assert_int_equal(trial_attach(&t, getpid(), trapped_stepped, flags[i], &set), 0);
		assert_int_equal(trapped_stepped(41), 42);
		assert_int_equal(trial_hits(&t), i + 1);
		uprobe_set_detach(set);
		assert_int_equal(trapped_stepped(41), 42);
		assert_int_equal(trial_hits(&t), i + 1);
		assert_int_equal(uprobe_set_attach(set), 0);
		uprobe_set_free(set);
		assert_int_equal(trapped_stepped(41), 42);
		assert_int_equal(trial_hits(&t), i + 1);
	}
	trial_close(&t);
}

/* A child takes the traps along in its pages; it is not counted, and lives. */
static void test_fork(void **state)
{
	enum uprobe_rung rung = *(const enum uprobe_rung *)*state;
	struct trial t = { .file_fd = -1 };
	struct uprobe_set *set;
	int status;
	pid_t child;

	if (cannot_probe(rung))
		skip();
	assert_int_equal(trial_open(rung, &t), 0);
	assert_int_equal(trial_attach(&t, getpid(), trapped_cheap, 0, &set), 0);
	child = fork();
	if (child == 0)
		_exit(trapped_cheap(6));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 7 << 8);
	assert_int_equal(trapped_cheap(6), 7);
	uprobe_set_free(set);
	trial_close(&t);
}

/* This kernel lets return probes through, or says that it does not. */
static void test_filter(void **state)
{
	enum uprobe_rung rung = *(const enum uprobe_rung *)*state;
	int r;

	if (cannot_probe(rung))
		skip();
	r = uprobe_survives_filter(rung);
	assert_true(r == 0 || r == 1);
}

static void test_host(void **state)
{
	struct uprobe_host host;

	if (geteuid() != 0)
		skip();
	assert_int_equal(uprobe_calibrate(&host), 0);
	assert_true(host.entry_seconds > 0 && host.entry_seconds < 1e-3);
	assert_true(host.return_seconds > host.entry_seconds / 2);
	assert_true((host.reason == NULL) == (host.rung == UPROBE_MULTI));
}

int main(void)
{
	void *perf = (void *)&rungs[0], *multi = (void *)&rungs[1];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host),
		cmocka_unit_test_prestate(test_attach_and_detach, perf),
		cmocka_unit_test_prestate(test_attach_and_detach, multi),
		cmocka_unit_test_prestate(test_fork, perf),
		cmocka_unit_test_prestate(test_fork, multi),
		cmocka_unit_test_prestate(test_filter, perf),
		cmocka_unit_test_prestate(test_filter, multi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
