// SPDX-License-Identifier: GPL-2.0-only
/* The plain rule of the trend: what it must call growing, and what it must not. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/trend/series.h"

#define WINDOW	 3600.0
#define INTERVAL 60.0

/* Feed shape(t) for some windows; whether it was ever called growing, and the last trend. */
static int ever_growing(double (*shape)(double), double windows, struct trend *ret)
{
	struct series *s = series_new(true);
	int growing = 0;

	for (double t = 0; t < windows * WINDOW; t += INTERVAL) {
		series_add(s, 1e9 + t, shape(t), WINDOW);
		growing |= series_trend(s).verdict >= VERDICT_GROWING;
	}
	*ret = series_trend(s);
	series_free(s);
	return growing;
}

static double leak(double t)
{
	return 100 + floor(t / 3600 * 41);
}

static double flat(double t)
{
	return 100;
}

static double saw_tooth(double t)
{
	return fmod(t, 1700);
}

static double step(double t)
{
	return t < 5 * WINDOW ? 100 : 200;
}

static double warm_up(double t)
{
	return 100 * (1 - exp(-t / 900));
}

static double fills_then_stops(double t)
{
	return fmin(t, 1.5 * WINDOW);
}

static void a_leak_grows_at_its_rate(void **state)
{
	struct trend t;

	assert_true(ever_growing(leak, 4, &t));
	assert_true(fabs(t.rate_per_hour - 41) < 2);
	assert_true(fabs(trend_eta(&t, 264, 1024) - (1024 - 264) / t.rate_per_hour * 3600) < 1);
	assert_false(isnan(t.since));
}

static void innocents_do_not(void **state)
{
	struct trend t;

	assert_false(ever_growing(flat, 12, &t));
	assert_int_equal(t.verdict, VERDICT_STEADY);
	assert_false(ever_growing(saw_tooth, 12, &t));
	assert_false(ever_growing(step, 12, &t));
	assert_false(ever_growing(warm_up, 12, &t));
	assert_false(ever_growing(fills_then_stops, 12, &t));
}

static void nothing_is_said_before_a_window(void **state)
{
	struct trend t;

	ever_growing(leak, 0.9, &t);
	assert_int_equal(t.verdict, VERDICT_UNKNOWN);
	assert_true(isnan(t.rate_per_hour));
	assert_true(isnan(trend_eta(&t, 1, 2)));
}

static void a_long_gap_starts_anew(void **state)
{
	struct series *s = series_new(true);

	for (double t = 0; t < 4 * WINDOW; t += INTERVAL)
		series_add(s, 1e9 + t, leak(t), WINDOW);
	assert_int_equal(series_trend(s).verdict, VERDICT_GROWING);
	series_add(s, 1e9 + 100 * WINDOW, 10, WINDOW);
	assert_int_equal(series_trend(s).verdict, VERDICT_UNKNOWN);
	series_free(s);
}

/* Saved at any moment and read back, it goes on to the same bits. */
static void a_saved_series_goes_on_alike(void **state)
{
	for (unsigned int at = 1; at < 40 * 60; at += 97) {
		struct series *s = series_new(at % 2), *t;
		uint8_t one[SERIES_SAVED_MAX], two[SERIES_SAVED_MAX];
		size_t size, used;

		for (unsigned int i = 0; i < at; i++)
			series_add(s, 1e9 + i * INTERVAL, at % 3 ? leak(i * INTERVAL) : 7, WINDOW);
		size = series_save(s, one);
		assert_true(at % 3 || size <= SERIES_FLAT_BYTES);
		assert_int_equal(series_load(one, size - 1, &t, &used), -EBADMSG);
		assert_int_equal(series_load(one, size, &t, &used), 0);
		assert_int_equal(used, size);
		for (unsigned int i = at; i < at + 200; i++) {
			series_add(s, 1e9 + i * INTERVAL, leak(i * INTERVAL), WINDOW);
			series_add(t, 1e9 + i * INTERVAL, leak(i * INTERVAL), WINDOW);
		}
		assert_int_equal(series_save(s, one), series_save(t, two));
		assert_memory_equal(one, two, series_save(s, one));
		series_free(s);
		series_free(t);
	}
}

static void what_was_added_is_taken_once(void **state)
{
	struct series *s = series_new(false);

	assert_true(isnan(series_take_added(s)));
	series_set_number(s, 41);
	series_add(s, 1e9, 7, WINDOW);
	series_add(s, 1e9 + 100 * WINDOW, 9, WINDOW);
	assert_true(series_take_added(s) == 9);
	assert_true(isnan(series_take_added(s)));
	assert_int_equal(series_number(s), 41);
	series_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leak_grows_at_its_rate),
		cmocka_unit_test(innocents_do_not),
		cmocka_unit_test(nothing_is_said_before_a_window),
		cmocka_unit_test(a_long_gap_starts_anew),
		cmocka_unit_test(a_saved_series_goes_on_alike),
		cmocka_unit_test(what_was_added_is_taken_once),
	};

	return cmocka_run_group_tests_name("series", tests, NULL, NULL);
}
