// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/explain/heap_verdict.h"

/* Survivors that still live come evenly from all quarters. */
static struct heap_site windowed(uint64_t live, uint64_t caught, uint64_t transient)
{
	struct heap_site s = { .kind = "malloc", .live = live, .old = live };

	s.sums.created = live + caught + transient;
	s.sums.destroyed = caught + transient;
	s.sums.transient = transient;
	for (int i = 0; i < 4; i++)
		s.born[i] = live / 4;
	return s;
}

static struct heap_site exact(uint64_t created, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	struct heap_site s = { .kind = "malloc", .live = a + b + c + d, .born = { a, b, c, d } };

	s.sums.created = created;
	s.sums.destroyed = created - s.live;
	return s;
}

static const struct heap_watch windows = { .share = 0.001, .balance = 1e6, .balance_error = 1 };
static const struct heap_watch all = { .exact = true, .balance = 1e6, .balance_error = 1 };

/* The figures of the design: 28 windows, one percent of what is taken is kept. */
static void test_churn_and_leak(void **state)
{
	struct heap_site sites[] = { windowed(4449, 3051, 100), windowed(69, 0, 0) };
	enum site_verdict v[2];

	heap_judge(&windows, sites, 2, v);
	assert_int_equal(v[0], SITE_RETURNS);
	assert_int_equal(v[1], SITE_KEEPS);
}

/* Too few to tell: with four in ten caught, 12 survivors could all be missed by chance. */
static void test_too_few(void **state)
{
	struct heap_site sites[] = { windowed(4449, 3051, 100), windowed(12, 0, 0) };
	enum site_verdict v[2];

	heap_judge(&windows, sites, 2, v);
	assert_int_equal(v[1], SITE_UNDECIDED);
}

/* Nobody gives back, and little of the work was seen: no comparison, no accusation. */
static void test_nothing_to_compare(void **state)
{
	struct heap_site site = windowed(1000, 0, 0);
	struct heap_watch seen = windows;
	enum site_verdict v;

	heap_judge(&windows, &site, 1, &v);
	assert_int_equal(v, SITE_UNDECIDED);
	seen.share = 0.2;
	heap_judge(&seen, &site, 1, &v);
	assert_int_equal(v, SITE_KEEPS);
}

/* A start that takes its tables and then no more. */
static void test_warm_up(void **state)
{
	struct heap_site sites[] = { windowed(4449, 3051, 100), windowed(400, 0, 0) };
	enum site_verdict v[2];

	sites[1].born[0] = 400;
	sites[1].born[1] = sites[1].born[2] = sites[1].born[3] = 0;
	heap_judge(&windows, sites, 2, v);
	assert_int_equal(v[1], SITE_UNDECIDED);
}

/* A full cache: as many old blocks go as new ones come, so nothing can be kept. */
static void test_balance(void **state)
{
	struct heap_site sites[] = { windowed(4449, 3051, 100), windowed(400, 0, 0) };
	struct heap_watch level = { .share = 0.001, .balance = 3, .balance_error = 10 };
	enum site_verdict v[2];

	heap_judge(&level, sites, 2, v);
	assert_int_equal(v[1], SITE_UNDECIDED);
	level.balance = 390;
	heap_judge(&level, sites, 2, v);
	assert_int_equal(v[1], SITE_KEEPS);
}

/* What the traps themselves brought about: a slow log fills, and the process does not grow. */
static void test_growth(void **state)
{
	struct heap_site sites[] = { windowed(4449, 3051, 100), windowed(40, 0, 0) };
	struct heap_watch seen = { .share = 0.01, .work = 0.5, .balance = 40, .balance_error = 1 };
	enum site_verdict v[2];

	sites[1].live_bytes = 1000;
	heap_judge(&seen, sites, 2, v);
	assert_int_equal(v[1], SITE_UNDECIDED);
	seen.grown = 50000;
	heap_judge(&seen, sites, 2, v);
	assert_int_equal(v[1], SITE_KEEPS);
	seen.grown = 0;
	seen.work = 0.1;
	heap_judge(&seen, sites, 2, v);
	assert_int_equal(v[1], SITE_KEEPS);
}

static void test_exact(void **state)
{
	struct heap_site sites[] = {
		exact(40000, 0, 0, 0, 1000), /* a cache that turns over */
		exact(40, 10, 9, 11, 10),    /* a leak */
		exact(4000, 10, 9, 11, 10),  /* one percent is kept */
		exact(500, 500, 0, 0, 0),    /* a start */
		exact(3, 1, 1, 1, 0),	     /* too few */
	};
	enum site_verdict v[5];

	heap_judge(&all, sites, 5, v);
	assert_int_equal(v[0], SITE_RETURNS);
	assert_int_equal(v[1], SITE_KEEPS);
	assert_int_equal(v[2], SITE_KEEPS);
	assert_int_equal(v[3], SITE_UNDECIDED);
	assert_int_equal(v[4], SITE_UNDECIDED);
}

/* A quarter in which windows saw nobody says nothing of anybody, but what ends before it has ended.
 */
static void test_a_blind_quarter(void **state)
{
	struct heap_watch watch = {
		.fates = true, .share = 0.01, .balance = 1e6, .blind = { [2] = true }
	};
	const struct heap_site sites[] = { exact(30, 10, 10, 0, 10), exact(30, 28, 1, 0, 1),
					   exact(20, 10, 10, 0, 0) };
	enum site_verdict v[3];

	heap_judge(&watch, sites, 3, v);
	assert_int_equal(v[0], SITE_KEEPS);
	assert_int_equal(v[1], SITE_UNDECIDED); /* a burst */
	assert_int_equal(v[2], SITE_UNDECIDED);
	watch.blind[2] = false; /* others were seen then */
	heap_judge(&watch, sites, 1, v);
	assert_int_equal(v[0], SITE_UNDECIDED);
}

/* Of 40 that began in each quarter. A leak among passing objects loses as many of each; sessions of
 * 10 to 40 seconds, in a watch of 30, have fewer left the older they are. */
static void test_lives_that_end(void **state)
{
	struct heap_watch watch = { .fates = true, .share = 0.01, .balance = 1e6 };
	struct heap_site leak = exact(160, 12, 11, 12, 14), sessions = exact(160, 19, 28, 38, 40);
	struct heap_site few = exact(16, 3, 4, 4, 4), rare = exact(48, 2, 5, 8, 12);
	struct heap_site mixed = exact(48, 4, 3, 8, 12);
	enum site_verdict v;

	for (int i = 0; i < 4; i++) {
		leak.stayed[i] = leak.born[i];
		leak.went[i] = 40 - leak.born[i];
		sessions.stayed[i] = sessions.born[i];
		sessions.went[i] = 40 - sessions.born[i];
		few.stayed[i] = few.born[i];
		few.went[i] = 4 - few.born[i];
		rare.stayed[i] = rare.born[i];
		rare.went[i] = 12 - rare.born[i];
		mixed.stayed[i] = mixed.born[i];
		mixed.went[i] = 12 - mixed.born[i];
	}
	heap_judge(&watch, &leak, 1, &v);
	assert_int_equal(v, SITE_KEEPS);
	heap_judge(&watch, &sessions, 1, &v);
	assert_int_equal(v, SITE_UNDECIDED);
	heap_judge(&watch, &few, 1, &v);
	assert_int_equal(v, SITE_KEEPS); /* that can be chance */
	/* 2 and 5 of 12 can be chance, too; 2, 5 and 8 go on in the same way (2.4 errors). */
	heap_judge(&watch, &rare, 1, &v);
	assert_int_equal(v, SITE_UNDECIDED);
	/* The two oldest quarters do not differ: lives that end are over by then. */
	heap_judge(&watch, &mixed, 1, &v);
	assert_int_equal(v, SITE_KEEPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_churn_and_leak),	cmocka_unit_test(test_too_few),
		cmocka_unit_test(test_a_blind_quarter), cmocka_unit_test(test_nothing_to_compare),
		cmocka_unit_test(test_warm_up),		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_growth),		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_lives_that_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
