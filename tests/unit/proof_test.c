// SPDX-License-Identifier: GPL-2.0-only
/* The proof of a leak: shapes that must be called one within a day and some, and shapes that never
 * may. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "agent/trend/series.h"

#define HOUR	 3600.0
#define INTERVAL 60.0
#define NEVER	 1e9

/* Value at t hours. */
typedef double shape(double t);

/* Hours until it is called leaking, NEVER when it is not within `hours`; the last trend in *ret. */
static double hours_to_proof(shape *value, double hours, struct trend *ret,
			     struct evidence *ret_evidence)
{
	struct series *s = series_new(true);
	double at = NEVER;

	for (double t = 0; t < hours * HOUR; t += INTERVAL) {
		series_add(s, t, value(t / HOUR), HOUR);
		if (at == NEVER && series_trend(s).verdict == VERDICT_LEAKING)
			at = t / HOUR;
	}
	*ret = series_trend(s);
	*ret_evidence = series_evidence(s);
	series_free(s);
	return at;
}

/* The same noise at each run: around 0, mostly within 1. */
static double noise(double t)
{
	uint64_t x = (uint64_t)llround(t * 60) * 0x9e3779b97f4a7c15u;
	double sum = 0;

	for (int i = 0; i < 4; i++, x ^= x >> 29, x *= 0xbf58476d1ce4e5b9u)
		sum += (double)(x >> 40) / (1 << 24) - 0.5;
	return sum;
}

static double day(double t)
{
	return sin(2 * M_PI * t / 24);
}

static double leak_plain(double t)
{
	return floor(200 + 41 * t);
}

static double leak_in_noise(double t)
{
	return round(500 + t + 2 * noise(t));
}

static double leak_under_teeth(double t)
{
	return round(1000 + 20 * t + 400 * fmod(t, 0.7));
}

static double leak_under_a_day(double t)
{
	return round(1000 + 20 * t + 200 * day(t) + 3 * noise(t));
}

static double leak_of_stairs(double t)
{
	return 100 + 10 * floor(t / 1.3);
}

static double leak_late(double t)
{
	return round(1000 + 20 * fmax(0, t - 30) + 3 * noise(t));
}

static double leak_with_restarts(double t)
{
	return round(300 + 30 * fmod(t, 20));
}

/* Collections as rare as deploys, but what lies between them does not rise at one rate. */
static double long_uneven_teeth(double t)
{
	static const double rates[] = { 30, 44, 26, 38, 50, 31 };

	return round(300 + rates[(int)(t / 19) % 6] * fmod(t, 19));
}

static double leak_accelerates(double t)
{
	return round(1000 + t * t);
}

static double flat(double t)
{
	return 100;
}

static double noisy(double t)
{
	return round(1000 + 20 * noise(t));
}

static double warm_up(double t)
{
	return round(1000 - 900 * exp(-t / 8));
}

static double slow_warm_up(double t)
{
	return round(100000 - 90000 * exp(-t / 24));
}

static double logarithm(double t)
{
	return round(10000 * log(1 + t));
}

static double cache_fills(double t)
{
	return round(1000 + 100 * fmin(t, 20));
}

static double cache_fills_late(double t)
{
	return round(1000 + 100 * fmin(fmax(t - 40, 0), 24));
}

static double is_taken_up(double t)
{
	return round(1000 + 800 / (1 + exp(-(t - 45) / 4)));
}

static double three_warm_ups(double t)
{
	return round(1000 + 200 * (1 - exp(-fmax(t - 30, 0) / 3)) +
		     250 * (1 - exp(-fmax(t - 54, 0) / 3)) + 200 * (1 - exp(-fmax(t - 84, 0) / 3)));
}

static double steps_on_a_day(double t)
{
	return round(1000 + 200 * day(t) + 150 * (t > 35) + 150 * (t > 66) + 150 * (t > 81));
}

static double teeth_of_hours(double t)
{
	return round(1000 + 100 * fmod(t, 7.3));
}

static double cycle_of_days(double t)
{
	return round(1000 + 400 * day(t) + 5 * noise(t));
}

static double steps(double t)
{
	return 100 + 30 * (t > 15) + 40 * (t > 44) + 50 * (t > 68);
}

static double step_each_day(double t)
{
	return round(500 + 100 * floor(t / 24) + 3 * noise(t));
}

static double restarts_that_warm_up(double t)
{
	return round(300 + 600 * (1 - exp(-fmod(t, 16))));
}

static double restarts_each_day_that_warm_up(double t)
{
	return round(300 + 600 * (1 - exp(-fmod(t, 24))));
}

static double burst(double t)
{
	return round(1000 + (t > 30 ? 4000 * exp(-(t - 30) / 6) : 0));
}

static const struct {
	const char *name;
	shape *value;
	double hours; /* at most until it is called a leak; NEVER for what is none */
} shapes[] = {
	{ "plain", leak_plain, 30 },
	{ "in noise", leak_in_noise, 36 },
	{ "under teeth", leak_under_teeth, 40 },
	{ "under a day", leak_under_a_day, 66 },
	{ "of stairs", leak_of_stairs, 40 },
	{ "late", leak_late, 30 + 30 },
	{ "with restarts", leak_with_restarts, 50 },
	{ "accelerates", leak_accelerates, 48 },
	{ "flat", flat, NEVER },
	{ "noisy", noisy, NEVER },
	{ "warm-up", warm_up, NEVER },
	{ "slow warm-up", slow_warm_up, NEVER },
	{ "logarithm", logarithm, NEVER },
	{ "cache fills", cache_fills, NEVER },
	{ "cache fills late", cache_fills_late, NEVER },
	{ "is taken up", is_taken_up, NEVER },
	{ "three warm-ups", three_warm_ups, NEVER },
	{ "steps on a day", steps_on_a_day, NEVER },
	{ "teeth of hours", teeth_of_hours, NEVER },
	{ "long uneven teeth", long_uneven_teeth, NEVER },
	{ "cycle of days", cycle_of_days, NEVER },
	{ "steps", steps, NEVER },
	{ "step each day", step_each_day, NEVER },
	{ "restarts that warm up", restarts_that_warm_up, NEVER },
	{ "restarts each day", restarts_each_day_that_warm_up, NEVER },
	{ "burst", burst, NEVER },
};

static void each_shape_gets_its_verdict(void **state)
{
	struct evidence e;
	struct trend t;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		double at = hours_to_proof(shapes[i].value, 96, &t, &e);

		if (shapes[i].hours == NEVER ? at != NEVER : at > shapes[i].hours)
			fail_msg("%s: leaking at %g h", shapes[i].name, at);
	}
}

static void a_proof_has_a_rate_and_a_beginning(void **state)
{
	struct evidence e;
	struct trend t;
	char words[EVIDENCE_MAX];

	hours_to_proof(leak_late, 80, &t, &e);
	assert_int_equal(t.verdict, VERDICT_LEAKING);
	assert_true(fabs(t.rate_per_hour - 20) < 2);
	assert_true(e.rate_error > 0 && e.rate_error < 3);
	assert_true(fabs(t.since / HOUR - 30) <= 12);
	evidence_write(&t, &e, false, words, sizeof(words));
	assert_non_null(strstr(words, "no slowing"));
	assert_non_null(strstr(words, "longer than a day"));
	assert_non_null(strstr(words, "slope "));
}

/* Minutes for hours: every window is a multiple of one. */
static void windows_scale(void **state)
{
	struct series *slow = series_new(true), *fast = series_new(true);

	for (double t = 0; t < 30 * HOUR; t += INTERVAL) {
		series_add(slow, t, leak_plain(t / HOUR), HOUR);
		series_add(fast, t / 60, leak_plain(t / HOUR), HOUR / 60);
		assert_int_equal(series_trend(slow).verdict, series_trend(fast).verdict);
	}
	assert_int_equal(series_trend(fast).verdict, VERDICT_LEAKING);
	assert_true(fabs(series_trend(fast).rate_per_hour - 60 * series_trend(slow).rate_per_hour) <
		    60);
	series_free(slow);
	series_free(fast);
}

static void what_stopped_is_no_leak_any_more(void **state)
{
	struct series *s = series_new(true);
	double t = 0;

	for (; t < 40 * HOUR; t += INTERVAL)
		series_add(s, t, leak_plain(t / HOUR), HOUR);
	assert_int_equal(series_trend(s).verdict, VERDICT_LEAKING);
	for (; t < 66 * HOUR; t += INTERVAL)
		series_add(s, t, leak_plain(40), HOUR);
	assert_int_equal(series_trend(s).verdict, VERDICT_STEADY);
	assert_true(isnan(series_trend(s).since));
	series_free(s);
}

/* Nobody looked for some hours: the leak is the same one. */
static void a_gap_of_hours_is_bridged(void **state)
{
	struct series *s = series_new(true);
	double at = NEVER;

	for (double t = 0; t < 40 * HOUR; t += INTERVAL) {
		if (t > 12 * HOUR && t < 17 * HOUR)
			continue;
		series_add(s, t, leak_plain(t / HOUR), HOUR);
		if (at == NEVER && series_trend(s).verdict == VERDICT_LEAKING)
			at = t / HOUR;
	}
	assert_true(at <= 30);
	series_free(s);
}

/* A process inherits nothing: what falls in it fell for another reason. */
static void only_what_may_restart_is_folded(void **state)
{
	struct series *group = series_new(true), *process = series_new(false);

	for (double t = 0; t < 72 * HOUR; t += INTERVAL) {
		series_add(group, t, leak_with_restarts(t / HOUR), HOUR);
		series_add(process, t, leak_with_restarts(t / HOUR), HOUR);
		assert_int_not_equal(series_trend(process).verdict, VERDICT_LEAKING);
	}
	assert_int_equal(series_trend(group).verdict, VERDICT_LEAKING);
	series_free(group);
	series_free(process);
}

static double seconds_of(shape *value, unsigned int samples, double interval)
{
	struct series *s = series_new(true);
	clock_t begin = clock();

	for (unsigned int i = 0; i < samples; i++)
		series_add(s, i * interval, value(i * interval / HOUR), HOUR);
	series_free(s);
	return (double)(clock() - begin) / CLOCKS_PER_SEC;
}

/* Under 1 us by itself; ten times that is room for a machine that is busy. */
static void a_sample_is_cheap(void **state)
{
	const unsigned int samples = 200000;

	assert_true(seconds_of(noisy, samples, 10) / samples < 10e-6);
	assert_true(seconds_of(leak_plain, samples, 180) / samples < 10e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_shape_gets_its_verdict),
		cmocka_unit_test(a_proof_has_a_rate_and_a_beginning),
		cmocka_unit_test(windows_scale),
		cmocka_unit_test(what_stopped_is_no_leak_any_more),
		cmocka_unit_test(a_gap_of_hours_is_bridged),
		cmocka_unit_test(only_what_may_restart_is_folded),
		cmocka_unit_test(a_sample_is_cheap),
	};

	return cmocka_run_group_tests_name("proof", tests, NULL, NULL);
}
