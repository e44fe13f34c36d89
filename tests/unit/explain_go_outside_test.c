// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/explain/go/collector.h"

#define MB 1000000ull

static double grown(uint64_t resident, uint64_t ready, uint64_t resident_end, uint64_t ready_end)
{
	struct gocollector w = {
		.points = 2,
		.first = { .resident = resident, .c.mapped_ready = ready },
		.last = { .resident = resident_end, .c.mapped_ready = ready_end },
	};

	return gocollector_outside_grown(&w);
}

static void test_what_go_has_is_not_outside(void **state)
{
	assert_true(grown(50 * MB, 60 * MB, 90 * MB, 100 * MB) == 0);
	assert_true(grown(50 * MB, 60 * MB, 60 * MB, 60 * MB) == 0); /* touched only now */
	assert_true(grown(80 * MB, 60 * MB, 120 * MB, 100 * MB) == 0);
}

static void test_what_is_beyond_is(void **state)
{
	assert_true(grown(80 * MB, 60 * MB, 90 * MB, 60 * MB) == 10. * MB);
	assert_true(grown(50 * MB, 60 * MB, 70 * MB, 60 * MB) == 10. * MB);
	assert_true(grown(80 * MB, 60 * MB, 80 * MB + 1000, 60 * MB) == 0);
	assert_true(grown(90 * MB, 60 * MB, 80 * MB, 60 * MB) == 0);
}

static void test_what_is_not_known(void **state)
{
	assert_true(grown(80 * MB, 60 * MB, 0, 60 * MB) == 0);
	assert_true(grown(10 * MB, 60 * MB, 80 * MB, 0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_go_has_is_not_outside),
		cmocka_unit_test(test_what_is_beyond_is),
		cmocka_unit_test(test_what_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
