// SPDX-License-Identifier: GPL-2.0-only
/* Aggregation by stack, and the verdict over lives that are known in advance. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/sites/sites.h"

#define START 1000.0
#define END   1100.0

static const uint64_t stack_a[] = { 0x10, 0x20, 0x30 }, stack_b[] = { 0x10, 0x21, 0x30 };

static int setup(void **state)
{
	return sites_new((struct sites **)state);
}

static int teardown(void **state)
{
	sites_free(*state);
	return 0;
}

static struct site *site_a(struct sites *s)
{
	return sites_get(s, SLOT_FD_EVENTFD, NULL, stack_a, 3);
}

static void take(struct sites *s, struct site *site, uint64_t key, double born, double died)
{
	struct site_life life = { .born = born, .key = key, .weight = 1 };

	assert_int_equal(sites_create(s, site, &life), 0);
	if (isfinite(died))
		assert_true(sites_destroy(s, key, died));
}

static struct site_report judge(struct sites *s, const struct site *site)
{
	struct site_report r;

	sites_judge(s, site, START, END, &r);
	return r;
}

static void test_a_site_is_its_stack_and_slot(void **state)
{
	struct sites *s = *state;

	assert_ptr_equal(site_a(s), site_a(s));
	assert_ptr_not_equal(site_a(s), sites_get(s, SLOT_FD_EVENTFD, NULL, stack_b, 3));
	assert_ptr_not_equal(site_a(s), sites_get(s, SLOT_FD_EVENTFD, NULL, stack_a, 2));
	assert_ptr_not_equal(site_a(s), sites_get(s, SLOT_FD_PIPE, NULL, stack_a, 3));
	assert_ptr_not_equal(site_a(s), sites_get(s, SLOT_FD_EVENTFD, "why", stack_a, 3));
}

static void test_sites_are_bounded(void **state)
{
	struct sites *s = *state;

	for (uint64_t pc = 0; pc < SITES_MAX; pc++)
		assert_non_null(sites_get(s, SLOT_FD_PIPE, NULL, &pc, 1));
	assert_null(site_a(s));
}

static void test_a_key_taken_again_ended_before(void **state)
{
	struct sites *s = *state;
	struct site *site = site_a(s);
	struct site_report r;

	take(s, site, 7, START + 1, INFINITY);
	take(s, site, 7, START + 2, INFINITY);
	r = judge(s, site);
	assert_int_equal(r.created, 2);
	assert_int_equal(r.destroyed, 1);
	assert_int_equal(r.live, 1);
	assert_false(sites_destroy(s, 8, START + 3));
}

static void test_weights_and_bytes_add_up(void **state)
{
	struct sites *s = *state;
	struct site *site = sites_get(s, SLOT_MAPPING, NULL, stack_a, 3);
	struct site_life life = { .born = START + 10, .key = 1, .weight = 8, .bytes = 4096 };
	struct site_report r;

	sites_create(s, site, &life);
	r = judge(s, site);
	assert_int_equal(r.live, 8);
	assert_int_equal(r.live_bytes, 8 * 4096);
	assert_int_equal(r.sampled, 8);
	assert_float_equal(r.oldest, 90, 0.001);
}

static void test_a_steady_leak_keeps(void **state)
{
	struct sites *s = *state;
	struct site *site = site_a(s);
	struct site_report r;

	for (int i = 0; i < 100; i++)
		take(s, site, (uint64_t)i, START + i, INFINITY);
	r = judge(s, site);
	assert_int_equal(r.verdict, SITE_KEEPS);
	assert_float_equal(r.growth_per_hour, 3600, 80);
}

/* 99 of 100 are given back; the rest is what the site keeps. */
static void test_a_leak_of_one_in_a_hundred_keeps(void **state)
{
	struct sites *s = *state;
	struct site *site = site_a(s);

	for (int i = 0; i < 2000; i++) {
		double born = START + i * 0.05;

		take(s, site, (uint64_t)i, born, i % 100 ? born + 0.1 : INFINITY);
	}
	assert_int_equal(judge(s, site).verdict, SITE_KEEPS);
}

static void test_open_and_close_returns(void **state)
{
	struct sites *s = *state;
	struct site *site = site_a(s);

	for (int i = 0; i < 100; i++)
		take(s, site, (uint64_t)i, START + i, START + i + 0.5);
	assert_int_equal(judge(s, site).verdict, SITE_RETURNS);
}

/* Keep-alive connections: opened when the load begins, and held. */
static void test_a_pool_that_is_full_does_not_keep(void **state)
{
	struct sites *s = *state;
	struct site *site = site_a(s);

	for (int i = 0; i < 50; i++)
		take(s, site, (uint64_t)i, START + i * 0.1, INFINITY);
	assert_int_equal(judge(s, site).verdict, SITE_UNDECIDED);
}

/* The same, slowly: one each second until some time before the end. */
static void test_a_pool_that_was_filled_of_late_does_not_keep(void **state)
{
	struct sites *s = *state;
	struct site *site = site_a(s);

	for (int i = 0; i < 78; i++)
		take(s, site, (uint64_t)i, START + i, INFINITY);
	assert_int_not_equal(judge(s, site).verdict, SITE_KEEPS);
	take(s, site, 78, START + 80, INFINITY);
	assert_int_not_equal(judge(s, site).verdict, SITE_KEEPS);
	for (int i = 80; i < 100; i++)
		take(s, site, (uint64_t)i, START + i, INFINITY);
	assert_int_equal(judge(s, site).verdict, SITE_KEEPS);
}

/* A cache that fills: 63 % of its size in a fifth of the watch. */
static void test_a_cache_that_fills_does_not_keep(void **state)
{
	struct sites *s = *state;
	struct site *site = site_a(s);

	for (int i = 0; i < 990; i++)
		take(s, site, (uint64_t)i, START - 20 * log(1 - i / 1000.0), INFINITY);
	assert_int_not_equal(judge(s, site).verdict, SITE_KEEPS);
}

/* Connections that live longer than the watch, while as many older ones go. */
static void test_a_kind_that_does_not_grow_does_not_keep(void **state)
{
	struct sites *s = *state;
	struct site *site = site_a(s);
	struct site *older = sites_get(s, SLOT_FD_EVENTFD, "older", NULL, 0);

	for (int i = 0; i < 100; i++) {
		take(s, older, (uint64_t)(1000 + i), -INFINITY, START + i);
		take(s, site, (uint64_t)i, START + i, INFINITY);
	}
	assert_int_not_equal(judge(s, site).verdict, SITE_KEEPS);
	assert_int_equal(judge(s, older).created, 0);
}

static void test_a_saw_tooth_does_not_keep(void **state)
{
	struct sites *s = *state;
	struct site *site = site_a(s);

	for (int i = 0; i < 100; i++)
		take(s, site, (uint64_t)i, START + i, START + (i / 20 + 1) * 20 + 0.5);
	assert_int_not_equal(judge(s, site).verdict, SITE_KEEPS);
}

static void test_few_objects_are_undecided(void **state)
{
	struct sites *s = *state;
	struct site *site = site_a(s);

	for (int i = 0; i < 5; i++)
		take(s, site, (uint64_t)i, START + 19 * i, INFINITY);
	assert_int_equal(judge(s, site).verdict, SITE_UNDECIDED);
	take(s, site, 5, START + 95, INFINITY);
	assert_int_equal(judge(s, site).verdict, SITE_KEEPS);
}

static void end_odd(void *context, struct site *site, struct site_life *life)
{
	if (life->key % 2)
		sites_destroy(context, life->key, END);
}

static void test_each_may_end_what_it_sees(void **state)
{
	struct sites *s = *state;
	struct site *site = site_a(s);

	for (uint64_t i = 0; i < 1000; i++)
		take(s, site, i, START, INFINITY);
	sites_each(s, end_odd, s);
	assert_int_equal(judge(s, site).live, 500);
	assert_non_null(sites_find(s, 2, NULL));
	assert_null(sites_find(s, 3, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_site_is_its_stack_and_slot),
		TEST(test_sites_are_bounded),
		TEST(test_a_key_taken_again_ended_before),
		TEST(test_weights_and_bytes_add_up),
		TEST(test_a_steady_leak_keeps),
		TEST(test_a_leak_of_one_in_a_hundred_keeps),
		TEST(test_open_and_close_returns),
		TEST(test_a_pool_that_is_full_does_not_keep),
		TEST(test_a_pool_that_was_filled_of_late_does_not_keep),
		TEST(test_a_cache_that_fills_does_not_keep),
		TEST(test_a_kind_that_does_not_grow_does_not_keep),
		TEST(test_a_saw_tooth_does_not_keep),
		TEST(test_few_objects_are_undecided),
		TEST(test_each_may_end_what_it_sees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
