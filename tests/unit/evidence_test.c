// SPDX-License-Identifier: GPL-2.0-only
/* The words of evidence and the interval of a forecast. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/trend/evidence.h"
#include "agent/trend/slope.h"

static const struct trend leak = { VERDICT_LEAKING, 41, 0 };

static void the_words(void **state)
{
	const struct evidence e = { 3, 8, 28, PROOF_BLOCKS, 4, 2, 0, 0 };
	char words[EVIDENCE_MAX];

	evidence_write(&leak, &e, false, words, sizeof(words));
	assert_string_equal(
		words,
		"the minimum of each of the last 9 windows rose; the minima of 4 windows each "
		"rise evenly over 28 windows; lost and grew again 2 times; slope 41/h ± 3; "
		"no slowing; longer than a day of windows");
}

static void bytes_are_told_as_such(void **state)
{
	const struct trend trend = { VERDICT_LEAKING, 5 << 20, 0 };
	const struct evidence e = { .rate_error = 3000, .rising = 8 };
	char words[EVIDENCE_MAX];

	evidence_write(&trend, &e, true, words, sizeof(words));
	assert_non_null(strstr(words, "; slope 5.0 MiB/h ± 2.9 KiB; no slowing"));
	evidence_write(&trend, &e, false, words, sizeof(words));
	assert_non_null(strstr(words, "; slope 5242880/h ± 3000; no slowing"));
}

static void nothing_is_said_of_the_unknown(void **state)
{
	const struct trend unknown = { VERDICT_UNKNOWN, NAN, NAN };
	char words[EVIDENCE_MAX];

	evidence_write(&unknown, &EVIDENCE_NONE, false, words, sizeof(words));
	assert_string_equal(words, "");
}

static void words_are_cut_where_they_must(void **state)
{
	const struct evidence e = { 3, 8, 28, PROOF_DAYS, 4, 0, 1, 0 };
	char words[10];

	evidence_write(&leak, &e, false, words, sizeof(words));
	assert_string_equal(words, "the minim");
}

static void a_forecast_is_an_interval(void **state)
{
	const struct evidence sure = { .rate_error = 1 }, unsure = { .rate_error = 50 };
	double low, high;

	trend_eta_range(&leak, &sure, 100, 940, &low, &high);
	assert_true(fabs(low - 72000) < 1e-6);	/* 840 at 42 an hour */
	assert_true(fabs(high - 75600) < 1e-6); /* at 40 */
	trend_eta_range(&leak, &unsure, 100, 940, &low, &high);
	assert_true(low > 0 && isnan(high));
	trend_eta_range(&leak, &EVIDENCE_NONE, 100, 940, &low, &high);
	assert_true(isnan(low) && isnan(high));
	trend_eta_range(&leak, &sure, 940, 940, &low, &high);
	assert_true(low == 0 && high == 0);
}

/* Against values worked out by hand: pair slopes of 1 2 4 are 1, 1.5, 2. */
static void slopes_and_ranks(void **state)
{
	const float rising[] = { 1, 2, 4 }, straight[] = { 0, 3, 6, 9, 12, 15, 18, 21 };
	double error;

	assert_true(fabs(slope_sen(rising, 3, &error) - 1.5) < 1e-6);
	assert_true(fabs(error - 0.5) < 1e-6);
	assert_true(fabs(slope_sen(straight, 8, &error) - 3) < 1e-6);
	assert_true(error < 1e-6);
	assert_true(fabs(slope_kendall(straight, 8) - 27 / sqrt(8 * 7 * 21 / 18.0)) < 1e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_words),
		cmocka_unit_test(bytes_are_told_as_such),
		cmocka_unit_test(nothing_is_said_of_the_unknown),
		cmocka_unit_test(words_are_cut_where_they_must),
		cmocka_unit_test(a_forecast_is_an_interval),
		cmocka_unit_test(slopes_and_ranks),
	};

	return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
