// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/explain/go/youth.h"

#define KIB 1024.0
#define MIB (1024.0 * KIB)

static enum site_verdict verdict_of(const struct goyouth *y, const char *pattern)
{
	struct finding f = { .verdict = SITE_KEEPS, .pattern = pattern };

	goyouth_forgive(y, &f, 1);
	assert_true(f.verdict == SITE_KEEPS || f.evidence[0]);
	return f.verdict;
}

/* 150 KiB in half a minute of a server whose heap is 15 MiB: in its first minute that is 2 %, after
 * an hour 18 MiB, more than there would be. */
static void test_little_matters_with_time(void **state)
{
	struct goyouth y = { .age = 60, .seconds = 30, .kept = 150 * KIB, .heap = 15 * MIB };

	assert_true(fabs(goyouth_part(&y) - 0.0195) < 0.0001);
	assert_int_equal(verdict_of(&y, NULL), SITE_UNDECIDED);
	y.age = 3600;
	assert_int_equal(verdict_of(&y, NULL), SITE_KEEPS);
}

static void test_much_matters_at_once(void **state)
{
	struct goyouth y = { .age = 31, .seconds = 30, .kept = 3 * MIB, .heap = 15 * MIB };

	assert_int_equal(verdict_of(&y, NULL), SITE_KEEPS);
}

static void test_known_mistakes_stay(void **state)
{
	struct goyouth y = { .age = 60, .seconds = 30, .kept = 150 * KIB, .heap = 15 * MIB };

	assert_int_equal(verdict_of(&y, "unbounded-map"), SITE_KEEPS);
}

static void test_nothing_is_forgiven_unseen(void **state)
{
	struct goyouth y = { .age = 60, .seconds = 30, .kept = 1, .heap = 0 };

	assert_int_equal(verdict_of(&y, NULL), SITE_KEEPS);
	y = (struct goyouth){ .age = NAN, .seconds = 30, .kept = 1, .heap = MIB };
	assert_int_equal(verdict_of(&y, NULL), SITE_KEEPS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_little_matters_with_time),
		cmocka_unit_test(test_much_matters_at_once),
		cmocka_unit_test(test_known_mistakes_stay),
		cmocka_unit_test(test_nothing_is_forgiven_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
