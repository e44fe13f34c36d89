// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/explain/go/maps.h"

/* Ten looks at one map, at times 0, 10, … 90; its length at each. */
static bool judge(const uint64_t lengths[10], bool (*judgement)(const struct gomap *))
{
	struct gomaps maps = { 0 };
	bool result = false;

	for (uint64_t i = 0; i < 10; i++) {
		struct survivor_birth b = { .key = 1, .size = lengths[i], .born = 10 * i };

		assert_int_equal(gomaps_add(&maps, 4096, &b), 0);
	}
	for (size_t i = 0; i < GOMAPS_SLOTS; i++)
		if (maps.slots[i].address)
			result = judgement(&maps.slots[i]);
	gomaps_clear(&maps);
	return result;
}

static bool keeps(const uint64_t lengths[10])
{
	return judge(lengths, gomap_keeps);
}

static void test_growth_all_along(void **state)
{
	const uint64_t lengths[] = { 200, 250, 310, 350, 420, 480, 500, 560, 610, 700 };

	assert_true(keeps(lengths));
}

static void test_warm_up(void **state)
{
	const uint64_t lengths[] = { 200, 400, 600, 800, 995, 1000, 1000, 1000, 1000, 1000 };

	assert_false(keeps(lengths));
}

static void test_eviction(void **state)
{
	const uint64_t lengths[] = { 200, 300, 400, 350, 450, 550, 500, 600, 700, 650 };

	assert_false(keeps(lengths));
}

static void test_large_and_steady(void **state)
{
	const uint64_t lengths[] = { 10000, 10010, 10020, 10030, 10040,
				     10050, 10060, 10070, 10080, 10090 };

	assert_false(keeps(lengths));
	assert_true(judge(lengths, gomap_grows));
}

/* What is evicted meanwhile shows, however large the map is. */
static void test_large_and_evicted(void **state)
{
	const uint64_t lengths[] = { 10000, 10010, 10020, 10015, 10040,
				     10050, 10060, 10070, 10080, 10090 };

	assert_false(judge(lengths, gomap_grows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growth_all_along),  cmocka_unit_test(test_warm_up),
		cmocka_unit_test(test_eviction),	  cmocka_unit_test(test_large_and_steady),
		cmocka_unit_test(test_large_and_evicted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
