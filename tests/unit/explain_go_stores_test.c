// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
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

#define OPEN "whether a store that was made with room holds them is open: "

static void test_none_that_lives(void **state)
{
	struct gostores s = { .n = 1, .rows = { { .finding = 0 } } };
	struct finding f = { .verdict = SITE_KEEPS };
	struct findings list = { .rows = &f, .n = 1 };
	struct go_stores answer = { .n = 0 };

	gostores_forgive(&s, &answer, &list);
	assert_int_equal(f.verdict, SITE_KEEPS);
	assert_string_equal(f.evidence, OPEN "none of them is known to live");
}

/* What was found counts all the same. */
static void test_a_search_of_a_part(void **state)
{
	struct gostores s = { .n = 2, .rows = { { 0, NULL, 0, 0, 2 }, { 1, NULL, 0, 2, 2 } } };
	struct finding f[2] = { { .verdict = SITE_KEEPS, .evidence = "known" },
				{ .verdict = SITE_KEEPS } };
	struct findings list = { .rows = f, .n = 2 };
	struct go_stores answer = { .n = 4, .rows = { [2] = store, [3] = store } };

	answer.unread.failed = 1; /* given back meanwhile: nothing that stays is there */
	gostores_forgive(&s, &answer, &list);
	assert_string_equal(f[0].evidence, "known");
	answer.unread.swapped = 1;
	gostores_forgive(&s, &answer, &list);
	assert_int_equal(f[0].verdict, SITE_KEEPS);
	assert_string_equal(f[0].evidence, "known; " OPEN "part of the heap is not in memory");
	assert_int_equal(f[1].verdict, SITE_UNDECIDED);
	assert_int_equal(s.lost[LOSS_NOT_PRESENT], 1);
	f[0].evidence[0] = '\0';
	answer.cut = 1;
	gostores_forgive(&s, &answer, &list);
	assert_string_equal(f[0].evidence, OPEN "more leads to them than is followed");
	assert_int_equal(s.lost[LOSS_REFUSED], 1);
}

static void test_no_search(void **state)
{
	static const struct {
		int error;
		const char *evidence;
		enum loss_reason reason; /* LOSS_REASON_MAX: the reader counts it */
	} cases[] = {
		{ -E2BIG, OPEN "its heap is larger than what is searched", LOSS_REFUSED },
		{ -ETIME, OPEN "the search took too long", LOSS_TIMEOUT },
		{ -ETIMEDOUT, OPEN "the search took too long", LOSS_REASON_MAX },
		{ -ENODATA, OPEN "its heap could not be read", LOSS_READ_FAULT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gostores s = { .n = 1, .rows = { { .finding = 0, .n = 8 } } };
		struct finding f = { .verdict = SITE_KEEPS };
		struct findings list = { .rows = &f, .n = 1 };

		gostores_give_up(&s, cases[i].error, &list);
		assert_int_equal(f.verdict, SITE_KEEPS);
		assert_string_equal(f.evidence, cases[i].evidence);
		for (int k = 0; k < LOSS_REASON_MAX; k++)
			assert_int_equal(s.lost[k], k == (int)cases[i].reason);
	}
}

static void test_sites_beyond_those_asked_for(void **state)
{
	struct gostores s = { .n = 0 };
	struct finding f[GOSTORES_ROWS + 1] = { 0 };
	struct findings list = { .rows = f };

	for (size_t i = 0; i <= GOSTORES_ROWS; i++) {
		list.n = i + 1;
		gostores_note(&s, &list, NULL, i);
	}
	assert_int_equal(s.n, GOSTORES_ROWS);
	assert_int_equal(s.rows[GOSTORES_ROWS - 1].finding, GOSTORES_ROWS - 1);
	assert_string_equal(f[GOSTORES_ROWS - 1].evidence, "");
	assert_string_equal(f[GOSTORES_ROWS].evidence, OPEN "so many sites are not asked for");
	assert_int_equal(s.lost[LOSS_REFUSED], 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_most_must_be_held),
		cmocka_unit_test(test_each_by_its_own),
		cmocka_unit_test(test_none_that_lives),
		cmocka_unit_test(test_a_search_of_a_part),
		cmocka_unit_test(test_no_search),
		cmocka_unit_test(test_sites_beyond_those_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
