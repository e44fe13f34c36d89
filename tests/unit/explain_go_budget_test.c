// SPDX-License-Identifier: GPL-2.0-only
/* How windows part the budget of a watch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/explain/go/births.h"
#include "agent/explain/go/budget.h"

/* Of a CPU, that is to be left at the default budget. */
#define OWN 0.01

static double all_windows(double budget)
{
	struct explain_options options = { .budget = budget };

	return gobudget_share(&options, GOBUDGET_HEAP) + gobudget_share(&options, GOBUDGET_SPAWNS) +
	       GORARE_MAX * gobudget_share(&options, GOBUDGET_RARE);
}

static void test_seep_keeps_time_of_its_own(void **state)
{
	(void)state;
	assert_true(all_windows(0.05) + OWN <= 0.05);
	assert_true(all_windows(0.002) < 0.002);
}

/* What nobody needs nobody pays for. */
static void test_a_large_budget_is_not_used_up(void **state)
{
	(void)state;
	assert_true(all_windows(1) < 0.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seep_keeps_time_of_its_own),
		cmocka_unit_test(test_a_large_budget_is_not_used_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
