// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/explain/go/limit.h"

#define MIB (1024ull * 1024)

/* A limit that code has set before the watch, nearly filled, and a collector that never rests. */
static const struct golimit_watch pressed = {
	.limit_before = 64 * MIB,
	.limit = 64 * MIB,
	.heap_before = 60 * MIB,
	.marked = 58 * MIB,
	.percent = 100,
	.cycles = 100,
	.allocated = 100.0 * MIB,
};

/* No limit, half of what its cgroup allows alive: twice that is the next collection's goal. */
static const struct golimit_watch contained = {
	.limit_before = GOLIMIT_NONE,
	.limit = GOLIMIT_NONE,
	.heap_before = 90 * MIB,
	.marked = 60 * MIB,
	.percent = 100,
	.cycles = 3,
	.allocated = 180.0 * MIB,
	.cgroup = 100 * MIB,
};

static void test_seen_to_come_late(void **state)
{
	struct golimit_watch w = pressed;

	w.cycles = 0;
	w.limit_before = GOLIMIT_NONE;
	assert_int_equal(golimit_judge(&w), GOLIMIT_SET_LATE);
	w.heap_before = 4 * MIB; /* among the first things that the program does */
	assert_int_equal(golimit_judge(&w), GOLIMIT_FINE);
}

static void test_outgrown(void **state)
{
	struct golimit_watch w = pressed;

	assert_int_equal(golimit_judge(&w), GOLIMIT_OUTGROWN);
	w.marked = 30 * MIB; /* room enough */
	assert_int_equal(golimit_judge(&w), GOLIMIT_FINE);
	w = pressed;
	w.cycles = 3;
	assert_int_equal(golimit_judge(&w), GOLIMIT_FINE);
	w = pressed;
	w.allocated = 5000.0 * MIB; /* collections, but no more than such a load asks for */
	assert_int_equal(golimit_judge(&w), GOLIMIT_FINE);
}

/* Who starts the program has chosen that limit, before anything was allocated: it is not late, but
 * the collector has as little room. */
static void test_from_the_environment(void **state)
{
	struct golimit_watch w = pressed;

	w.from_environment = true;
	assert_int_equal(golimit_judge(&w), GOLIMIT_TOO_LOW);
	w.marked = 20 * MIB;
	assert_int_equal(golimit_judge(&w), GOLIMIT_FINE);
}

static void test_collector_that_runs_by_the_limit_alone(void **state)
{
	struct golimit_watch w = pressed;

	w.percent = -1;
	assert_int_equal(golimit_judge(&w), GOLIMIT_OUTGROWN);
	w.marked = 20 * MIB;
	assert_int_equal(golimit_judge(&w), GOLIMIT_FINE);
}

static void test_cgroup_below(void **state)
{
	struct golimit_watch w = contained;

	assert_int_equal(golimit_judge(&w), GOLIMIT_NEVER_SET);
	w.limit = w.limit_before = 200 * MIB; /* does not help */
	assert_int_equal(golimit_judge(&w), GOLIMIT_NEVER_SET);
	w.limit = w.limit_before = 90 * MIB;
	assert_int_equal(golimit_judge(&w), GOLIMIT_FINE);
	w = contained;
	w.marked = 10 * MIB;
	assert_int_equal(golimit_judge(&w), GOLIMIT_FINE);
	w = contained;
	w.cgroup = 0;
	assert_int_equal(golimit_judge(&w), GOLIMIT_FINE);
	w = contained;
	w.percent = -1; /* never collected, and 90 of 100 MiB full */
	w.marked = 0;
	assert_int_equal(golimit_judge(&w), GOLIMIT_NEVER_SET);
}

static void test_words(void **state)
{
	struct golimit_watch w = pressed;
	char text[200];

	w.cgroup = 100 * MIB;
	golimit_tell(&w, GOLIMIT_OUTGROWN, 60, 0.5, text, sizeof(text));
	assert_string_equal(text, "a memory limit of 64.0 MiB, 58.0 MiB alive, the cgroup allows "
				  "100 MiB, 100 collections a minute take up to 50 % of its CPU "
				  "time");
	w.limit_before = GOLIMIT_NONE;
	golimit_tell(&w, GOLIMIT_SET_LATE, 60, NAN, text, sizeof(text));
	assert_string_equal(text, "a memory limit of 64.0 MiB came when 60.0 MiB were in use, "
				  "58.0 MiB alive, the cgroup allows 100 MiB, 100 collections a "
				  "minute");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seen_to_come_late),
		cmocka_unit_test(test_outgrown),
		cmocka_unit_test(test_from_the_environment),
		cmocka_unit_test(test_collector_that_runs_by_the_limit_alone),
		cmocka_unit_test(test_cgroup_below),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
