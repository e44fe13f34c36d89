// SPDX-License-Identifier: GPL-2.0-only
/* When a pool without a limit is a mistake, by what it held over a watch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/explain/go/pools.h"

struct watch {
	struct gopools pools;
	struct go_report *report;
	struct findings findings;
};

static int start(void **state)
{
	struct watch *w = calloc(1, sizeof(*w));

	w->report = calloc(1, sizeof(*w->report));
	w->report->n_strings = w->report->n_pools = 1;
	w->report->pools[0].address = 0xc000100000;
	*state = w;
	return 0;
}

static int stop(void **state)
{
	struct watch *w = *state;

	gopools_clear(&w->pools);
	findings_clear(&w->findings);
	free(w->report);
	free(w);
	return 0;
}

/* A pull that shows so many open; closed: since it was opened, because too many came back. */
static void pull(struct watch *w, uint64_t open, uint64_t closed)
{
	struct go_pool *pool = &w->report->pools[0];

	pool->open = open;
	pool->closed = pool->idle_closed = closed;
	assert_int_equal(gopools_add(&w->pools, w->report, "/usr/bin/shop"), 0);
}

static const struct finding *only_finding(struct watch *w)
{
	findings_clear(&w->findings);
	assert_int_equal(gopools_findings(&w->pools, &w->findings), 0);
	assert_int_equal(w->findings.n, 1);
	assert_string_equal(w->findings.rows[0].resource, "pool");
	return &w->findings.rows[0];
}

static bool is_accused(struct watch *w)
{
	const char *pattern = only_finding(w)->pattern;

	return pattern && strcmp(pattern, "unbounded-pool") == 0;
}

static void one_that_follows_load_is_accused(void **state)
{
	struct watch *w = *state;
	const struct finding *f;

	pull(w, 2, 100);
	pull(w, 26, 120);
	pull(w, 3, 150);
	assert_true(is_accused(w));
	f = only_finding(w);
	assert_true(f->live == 3 && f->destroyed == 50 && f->created == 51);
	assert_int_equal(f->bound, 0);
	assert_non_null(strstr(f->evidence, "no limit"));
	assert_non_null(strstr(f->evidence, "2 to 26 were open"));
}

static void two_all_day_are_told_and_not_accused(void **state)
{
	struct watch *w = *state;

	for (int i = 0; i < 12; i++)
		pull(w, 2, 5);
	assert_false(is_accused(w));
	assert_int_equal(only_finding(w)->live, 2);
}

/* A handful at once now and then. */
static void a_few_more_than_may_idle_are_none(void **state)
{
	struct watch *w = *state;

	pull(w, 2, 5);
	pull(w, 5, 5);
	pull(w, 2, 8);
	assert_false(is_accused(w));
}

static void waves_between_the_pulls_are_seen_by_what_was_closed(void **state)
{
	struct watch *w = *state;

	pull(w, 3, 5);
	pull(w, 2, 45);
	assert_true(is_accused(w));
}

static void a_limit_is_never_accused(void **state)
{
	struct watch *w = *state;
	const struct finding *f;

	w->report->pools[0].max_open = 40;
	pull(w, 2, 0);
	pull(w, 40, 100);
	assert_false(is_accused(w));
	f = only_finding(w);
	assert_int_equal(f->bound, 40);
	assert_string_equal(f->bound_source, "SetMaxOpenConns");
}

/* What may idle is what the program chose; none may when that is negative. */
static void who_lets_many_idle_is_measured_by_that(void **state)
{
	struct watch *w = *state;

	w->report->pools[0].max_idle = 50;
	pull(w, 10, 0);
	pull(w, 50, 0);
	assert_false(is_accused(w));
	w->report->pools[0].max_idle = -1;
	pull(w, 4, 0);
	assert_true(is_accused(w));
}

static void counters_that_fall_are_no_rise(void **state)
{
	struct watch *w = *state;
	const struct finding *f;

	pull(w, 3, UINT64_MAX);
	pull(w, 3, 0);
	f = only_finding(w);
	assert_true(f->destroyed == 0 && f->created == 0);
	assert_false(is_accused(w));
}

static void pools_are_told_apart(void **state)
{
	struct watch *w = *state;

	pull(w, 2, 0);
	for (uint64_t i = 1; i < 3 * GO_POOLS_MAX; i++) {
		w->report->pools[0].address += 0x400;
		pull(w, 2, 0);
	}
	assert_int_equal(gopools_findings(&w->pools, &w->findings), 0);
	assert_int_equal(w->findings.n, GO_POOLS_MAX);
}

/* A report of two calls that open pools, in these functions. */
static void set_calls(struct go_report *r, const char *first, const char *second)
{
	const char *names[] = { first, second };

	for (uint16_t i = 0; i < 2; i++) {
		r->places[i] = (struct go_place){ .function = r->n_strings, .line = 10 };
		strcpy(r->strings + r->n_strings, names[i]);
		r->n_strings += (uint32_t)strlen(names[i]) + 1;
		r->codes[i] = (struct go_code){ .pc = 0x1000 + i, .first = i, .n = 1 };
		r->stacks[i] = i;
	}
	r->n_codes = r->n_places = r->n_stacks = r->n_pool_calls = 2;
}

static void the_one_function_that_opens_it_is_named(void **state)
{
	struct watch *w = *state;

	set_calls(w->report, "github.com/jackc/pgx/v5/stdlib.OpenDB", "example.org/shop.Open");
	pull(w, 9, 0);
	assert_int_equal(only_finding(w)->n_frames, 1);
	assert_string_equal(only_finding(w)->frames[0].function, "example.org/shop.Open");
}

/* Of two functions nobody knows which opened this one. */
static void of_two_none_is_named(void **state)
{
	struct watch *w = *state;

	set_calls(w->report, "example.org/shop.OpenOrders", "example.org/shop.OpenStock");
	pull(w, 9, 0);
	assert_int_equal(only_finding(w)->n_frames, 0);
	assert_non_null(only_finding(w)->reason);
}

#define test(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(one_that_follows_load_is_accused),
		test(two_all_day_are_told_and_not_accused),
		test(a_few_more_than_may_idle_are_none),
		test(waves_between_the_pulls_are_seen_by_what_was_closed),
		test(a_limit_is_never_accused),
		test(who_lets_many_idle_is_measured_by_that),
		test(counters_that_fall_are_no_rise),
		test(pools_are_told_apart),
		test(the_one_function_that_opens_it_is_named),
		test(of_two_none_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
