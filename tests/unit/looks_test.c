// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/explain/looks.h"

/* The host was busy: most of the time passed before the last three. */
static const double late[] = { 100, 101, 102, 150, 180, 200 };

static void test_parts_are_of_time(void **state)
{
	assert_int_equal(looks_at(late, 6, 0), 0);
	assert_int_equal(looks_at(late, 6, 0.5), 3);
	assert_int_equal(looks_at(late, 6, 0.51), 4);
	assert_int_equal(looks_at(late, 6, 1), 5);
	assert_int_equal(looks_at(late, 1, 1), 0);
}

static void test_rise(void **state)
{
	const uint64_t values[] = { 5, 9, 7, 3, 12, 12 };

	assert_true(looks_rise(late, values, 6, 3));
	assert_false(looks_rise(late, values, 6, 4));
}

static void test_no_rise(void **state)
{
	const uint64_t values[] = { 5, 9, 7, 20, 9, 12 };

	assert_false(looks_rise(late, values, 6, 0));
}

static void test_floors(void **state)
{
	const uint64_t bursts[] = { 150, 0, 0, 90, 0, 150 }, leak[] = { 150, 2, 3, 90, 9, 150 };
	const uint64_t once[] = { 0, 9, 9, 9, 9, 9 };

	assert_false(looks_floor_rises(late, bursts, 6));
	assert_true(looks_floor_rises(late, leak, 6));
	assert_true(looks_floor_rises(late, once, 6));
	assert_false(looks_floor_rises(late, bursts, 1));
}

static void test_both_halves(void **state)
{
	const uint64_t both[] = { 0, 0, 0, 10, 50, 100 }, first[] = { 0, 50, 91, 91, 91, 100 };
	const uint64_t last[] = { 0, 0, 0, 9, 50, 100 }, falls[] = { 9, 8, 7, 6, 5, 4 };
	const uint64_t same[] = { 7, 7, 7, 7, 7, 7 };

	assert_true(looks_grow_in_both_halves(late, both, 6));
	assert_false(looks_grow_in_both_halves(late, first, 6));
	assert_false(looks_grow_in_both_halves(late, last, 6));
	assert_false(looks_grow_in_both_halves(late, falls, 6));
	assert_false(looks_grow_in_both_halves(late, same, 6));
}

static void test_what_slows_down_does_not_go_on(void **state)
{
	const double at[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	const uint64_t straight[] = { 0, 10, 20, 30, 40, 50, 60, 70, 80 };
	const uint64_t warm[] = { 0, 10, 20, 29, 36, 40, 40, 41, 39 };
	const uint64_t bent[] = { 0, 20, 40, 60, 80, 91, 102, 113, 124 };
	const uint64_t faster[] = { 0, 0, 0, 0, 0, 1, 2, 3, 4 };
	const uint64_t falls[] = { 9, 8, 7, 6, 5, 4, 3, 2, 1 };

	assert_true(looks_go_on(at, straight, 9));
	assert_false(looks_go_on(at, warm, 9));
	assert_true(looks_go_on(at, bent, 9));
	assert_true(looks_go_on(at, faster, 9));
	assert_false(looks_go_on(at, falls, 9));
	assert_false(looks_go_on(at, straight, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts_are_of_time),
		cmocka_unit_test(test_rise),
		cmocka_unit_test(test_no_rise),
		cmocka_unit_test(test_floors),
		cmocka_unit_test(test_both_halves),
		cmocka_unit_test(test_what_slows_down_does_not_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
