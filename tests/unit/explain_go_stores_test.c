// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/explain/go/stores.h"

static const struct go_store store = { .address = 4096, .bytes = 81920, .filled = 4096 };

/* Of eight objects so many are in a store. */
static enum site_verdict verdict_where(size_t held)
{
	struct gostores s = { .n = 1, .rows = { { .finding = 0, .first = 0, .n = 8 } } };
	struct finding f = { .verdict = SITE_KEEPS };
	struct findings list = { .rows = &f, .n = 1 };
	struct go_stores answer = { .n = 8 };

	for (size_t i = 0; i < held; i++)
		answer.rows[i] = store;
	gostores_forgive(&s, &answer, &list);
	if (f.verdict == SITE_UNDECIDED)
		assert_string_equal(f.evidence, "stays in a store that was made with room for "
						"more: 80.0 KiB, of which 4.0 KiB are filled; what "
						"becomes of it when it is full is open");
	return f.verdict;
}

static void test_most_must_be_held(void **state)
{
	assert_int_equal(verdict_where(0), SITE_KEEPS);
	assert_int_equal(verdict_where(5), SITE_KEEPS);
	assert_int_equal(verdict_where(6), SITE_UNDECIDED);
}

/* Each site is judged by its own objects. */
static void test_each_by_its_own(void **state)
{
	struct gostores s = { .n = 2, .rows = { { 1, NULL, 0, 0, 2 }, { 0, NULL, 0, 2, 2 } } };
	struct finding f[2] = { { .verdict = SITE_KEEPS }, { .verdict = SITE_KEEPS } };
	struct findings list = { .rows = f, .n = 2 };
	struct go_stores answer = { .n = 4, .rows = { [2] = store, [3] = store } };

	gostores_forgive(&s, &answer, &list);
	assert_int_equal(f[0].verdict, SITE_UNDECIDED);
	assert_int_equal(f[1].verdict, SITE_KEEPS);
}

static void test_none_that_lives(void **state)
{
	struct gostores s = { .n = 1, .rows = { { .finding = 0 } } };
	struct finding f = { .verdict = SITE_KEEPS };
	struct findings list = { .rows = &f, .n = 1 };
	struct go_stores answer = { .n = 0 };

	gostores_forgive(&s, &answer, &list);
	assert_int_equal(f.verdict, SITE_KEEPS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_most_must_be_held),
		cmocka_unit_test(test_each_by_its_own),
		cmocka_unit_test(test_none_that_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
