// SPDX-License-Identifier: GPL-2.0-only
/* Go statements over the pulls of a watch, judged. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/explain/go/sites.h"

#define GOROUTINES 4096
#define SECONDS	   2.5 /* between pulls */

/* A program with one go statement. The id of each is its number; it lives from..to, in pulls, and
 * waits for others all that time, or never. */
struct program {
	double from[GOROUTINES], to[GOROUTINES];
	bool waits[GOROUTINES];
	size_t n;
};

static void add(struct program *p, double from, double to)
{
	p->from[p->n] = from;
	p->to[p->n++] = to;
}

static void add_waiting(struct program *p, double from, double to)
{
	p->waits[p->n] = true;
	add(p, from, to);
}

static void pull(const struct program *p, struct go_sites *s, double now, struct go_report *r)
{
	struct go_request q = { 0 };
	static const char wait[] = "\0chan send";

	go_sites_ask(s, &q);
	memset(r, 0, sizeof(*r));
	r->n_groups = 2;
	memcpy(r->strings, wait, sizeof(wait));
	r->n_strings = sizeof(wait);
	r->groups[1].reason = 1;
	r->n_codes = 2;
	r->codes[0].pc = 100;
	r->codes[1].pc = 200;
	r->groups[0].start = r->groups[1].start = 1;
	for (size_t i = 0; i < p->n; i++) {
		struct go_group *g = &r->groups[p->waits[i]];
		size_t age = 0;

		if (p->from[i] > now)
			continue;
		r->last_goid = i + 1;
		if (p->to[i] <= now)
			continue;
		while (age < q.n_slices && i + 1 > q.slices[age])
			age++;
		g->count++;
		g->by_age[age]++;
	}
	assert_int_equal(go_sites_add(s, r, now * SECONDS), 0);
}

static struct go_judgement judge(const struct program *p)
{
	static struct go_report report;
	struct go_sites s = { 0 };
	struct go_judgement j;

	for (int i = 0; i < GO_PULLS; i++)
		pull(p, &s, i, &report);
	assert_int_equal(s.n, 1);
	go_sites_judge(&s, &s.rows[0], &j);
	go_sites_clear(&s);
	return j;
}

static void test_a_leak_keeps(void **state)
{
	struct program p = { 0 };
	struct go_judgement j;

	for (int i = 0; i < 120; i++)
		add(&p, i * 0.1, INFINITY);
	j = judge(&p);
	assert_int_equal(j.verdict, SITE_KEEPS);
	assert_int_equal(j.live, 120);
	assert_int_equal(j.destroyed, 0);
	assert_int_equal(j.ended, 0);
}

/* One in ten stays, the others are passing work. */
static void test_a_leak_under_load_keeps(void **state)
{
	struct program p = { 0 };

	for (int i = 0; i < 1200; i++)
		add(&p, i * 0.01, i % 10 ? i * 0.01 + 0.3 : INFINITY);
	assert_int_equal(judge(&p).verdict, SITE_KEEPS);
}

/* One go statement for all that the program starts: long work in bursts, and now and then one that
 * waits for good. Where all of them wait, and get their turn, nothing is kept. */
static void test_who_waits_among_others_keeps(void **state)
{
	static struct program p;
	struct go_judgement j;

	for (int i = 0; i < 1200; i++)
		if (i % 30 == 0)
			add_waiting(&p, i * 0.01, INFINITY);
		else if (i / 300 % 2 == 0)
			add(&p, i * 0.01, i * 0.01 + 2.5);
	j = judge(&p);
	assert_int_equal(j.verdict, SITE_KEEPS);
	assert_int_equal(j.freed, 0);
	assert_true(j.ended > j.live);
	p = (struct program){ 0 };
	for (int i = -400; i < 1200; i++)
		add_waiting(&p, i * 0.01, i * 0.01 + 4);
	j = judge(&p);
	assert_int_equal(j.verdict, SITE_RETURNS);
	assert_true(j.freed > 100);
}

/* A processor has a batch of ids in reserve: of each burst some bear ids from before the last one, and
 * by them seem to be as old. */
static void test_bursts_with_old_ids_are_no_leak(void **state)
{
	static struct program p;

	for (int burst = 0; burst < GO_PULLS; burst += 4) {
		for (int i = 0; i < 10 + 3 * burst; i++)
			add(&p, burst + 4, burst + 4.8);
		for (int i = 0; i < 100; i++)
			add(&p, burst, burst + 0.8);
	}
	assert_int_not_equal(judge(&p).verdict, SITE_KEEPS);
}

static void test_passing_work_returns(void **state)
{
	struct program p = { 0 };

	for (int i = 0; i < 1200; i++)
		add(&p, i * 0.01, i * 0.01 + 0.5);
	assert_int_equal(judge(&p).verdict, SITE_RETURNS);
}

static void test_long_work_returns(void **state)
{
	struct program p = { 0 };

	for (int i = -400; i < 1200; i++)
		add(&p, i * 0.01, i * 0.01 + 4);
	assert_int_equal(judge(&p).verdict, SITE_RETURNS);
}

/* A pool of workers that starts with the first load, and then stands. */
static void test_a_pool_that_fills_is_no_leak(void **state)
{
	struct program p = { 0 };

	for (int i = 0; i < 64; i++)
		add(&p, 2 + i * 0.02, INFINITY);
	assert_int_not_equal(judge(&p).verdict, SITE_KEEPS);
}

/* The same by steps, from before the watch until some time after its middle. */
static void test_a_pool_that_scales_is_no_leak(void **state)
{
	struct program p = { 0 };

	for (int i = 0; i < 80; i++)
		add(&p, -2 + i / 8, INFINITY);
	assert_int_not_equal(judge(&p).verdict, SITE_KEEPS);
}

/* A few in all: when they came says nothing. */
static void test_a_slow_leak_keeps(void **state)
{
	struct program p = { 0 };

	for (int i = 0; i < 5; i++)
		add(&p, 0.5 + i * 1.8, INFINITY);
	assert_int_equal(judge(&p).verdict, SITE_KEEPS);
}

/* The oldest have their turn, but more come than go. */
static void test_a_backlog_keeps(void **state)
{
	struct program p = { 0 };
	struct go_judgement j;

	for (int i = 0; i < 600; i++)
		add(&p, i * 0.02, i * 0.04 + 0.1);
	j = judge(&p);
	assert_int_equal(j.verdict, SITE_KEEPS);
	assert_true(j.ended > 0 && j.destroyed > 0);
}

/* Sessions of 5 to 15 seconds, watched for 30 from the program's start: they become more until as
 * many end as begin. */
static void test_sessions_that_warm_up_are_no_backlog(void **state)
{
	static struct program p;

	for (int i = 0; i < 1200; i++)
		add(&p, i * 0.01, i * 0.01 + 2 + 4 * ((i * 7) % 10) / 9.);
	assert_int_not_equal(judge(&p).verdict, SITE_KEEPS);
	p = (struct program){ 0 };
	for (int i = 0; i < 1200; i++)
		add_waiting(&p, i * 0.01, i * 0.01 + 6);
	assert_int_not_equal(judge(&p).verdict, SITE_KEEPS);
	/* of 10 to 40 seconds: at the watch's end they still become more */
	p = (struct program){ 0 };
	for (int i = 0; i < 1200; i++)
		add(&p, i * 0.01, i * 0.01 + 4 + 12 * ((i * 7) % 10) / 9.);
	assert_int_not_equal(judge(&p).verdict, SITE_KEEPS);
}

/* Four come for each that goes: of those that came at first more went. */
static void test_a_backlog_that_begins_keeps(void **state)
{
	static struct program p;

	for (int i = 0; i < 1200; i++)
		add(&p, i * 0.01, i * 0.04 + 0.1);
	assert_int_equal(judge(&p).verdict, SITE_KEEPS);
}

/* Pulls that a busy host let pass in bunches, and a last one that came late. */
static void test_a_backlog_keeps_on_a_busy_host(void **state)
{
	static const double at[GO_PULLS] = { 0,	  3.1, 3.9, 4.0, 4.3, 4.4, 4.5,
					     4.7, 5.3, 6.0, 6.7, 7.3, 11.2 };
	static struct go_report report;
	struct program p = { 0 };
	struct go_sites s = { 0 };
	struct go_judgement j;

	for (int i = -400; i < 1200; i++)
		add(&p, i * 0.01, i * 0.02 + 4);
	for (int i = 0; i < GO_PULLS; i++)
		pull(&p, &s, at[i], &report);
	go_sites_judge(&s, &s.rows[0], &j);
	go_sites_clear(&s);
	assert_int_equal(j.verdict, SITE_KEEPS);
}

static void test_nothing_new_is_undecided(void **state)
{
	struct program p = { 0 };

	for (int i = 0; i < 1000; i++)
		add(&p, -1, INFINITY);
	assert_int_equal(judge(&p).verdict, SITE_UNDECIDED);
}

/* Timers: more than the sample holds, so that it is thinned during the watch. */
static void test_a_thinned_sample_holds(void **state)
{
	static struct go_report r;
	struct go_sites s = { 0 };
	struct go_judgement j;

	for (unsigned int i = 0; i < GO_PULLS; i++) {
		uint64_t sampled = i < 6 ? 1 : 2, n = 0;

		memset(&r, 0, sizeof(r));
		r.n_timers = 1;
		r.sampled = sampled;
		r.timer_groups[0] = (struct go_timer){ .kind = GO_TIMER_ONCE, .code = GO_CODES };
		for (uint64_t id = 1; id <= 100 * (i + 1); id++) {
			r.timer_groups[0].count++;
			if (id % sampled == 0)
				r.samples[n++].identity = id;
		}
		r.n_samples = (uint32_t)n;
		assert_int_equal(go_sites_add_timers(&s, &r, i * SECONDS), 0);
	}
	go_sites_settle(&s);
	assert_int_equal(s.n, 1);
	go_sites_judge(&s, &s.rows[0], &j);
	assert_int_equal(j.verdict, SITE_KEEPS);
	assert_int_equal(j.live, 1300);
	assert_int_equal(j.destroyed, 0);
	go_sites_clear(&s);
}

/* Each timer fires and is another at the next pull; live[i] of them are there at pull i. */
static bool piles_up(const uint64_t live[GO_PULLS], double seconds)
{
	static struct go_report r;
	struct go_sites s = { 0 };
	struct go_judgement j;

	for (unsigned int i = 0; i < GO_PULLS; i++) {
		memset(&r, 0, sizeof(r));
		r.n_timers = r.sampled = 1;
		r.timer_groups[0] = (struct go_timer){ .kind = GO_TIMER_CALLBACK,
						       .code = GO_CODES,
						       .count = live[i],
						       .left_most = (int64_t)(seconds * 1e9) };
		for (uint64_t id = 0; id < live[i]; id++)
			r.samples[r.n_samples++].identity = i * 1000 + id;
		assert_int_equal(go_sites_add_timers(&s, &r, i * SECONDS), 0);
	}
	go_sites_settle(&s);
	go_sites_judge(&s, &s.rows[0], &j);
	assert_int_equal(j.verdict, SITE_RETURNS);
	go_sites_clear(&s);
	return j.piles_up;
}

/* More and more for as long as each fires three times; what warms up, what comes by chance, and
 * what may yet end are none. */
static void test_short_timers_can_pile_up(void **state)
{
	static const uint64_t leak[GO_PULLS] = { 20,  32,  45,	57,  70,  82, 95,
						 107, 120, 132, 145, 157, 170 };
	static const uint64_t warm_up[GO_PULLS] = { 20,	 40,  60,  80,	100, 120, 130,
						    130, 131, 129, 132, 131, 133 };
	static const uint64_t chance[GO_PULLS] = { 100, 98,  101, 99,  103, 104, 101,
						   106, 104, 107, 105, 108, 106 };

	assert_true(piles_up(leak, 0.7));
	assert_false(piles_up(leak, 20));
	assert_false(piles_up(warm_up, 0.7));
	assert_false(piles_up(chance, 0.7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_leak_keeps),
		cmocka_unit_test(test_a_leak_under_load_keeps),
		cmocka_unit_test(test_who_waits_among_others_keeps),
		cmocka_unit_test(test_bursts_with_old_ids_are_no_leak),
		cmocka_unit_test(test_passing_work_returns),
		cmocka_unit_test(test_long_work_returns),
		cmocka_unit_test(test_a_pool_that_fills_is_no_leak),
		cmocka_unit_test(test_a_pool_that_scales_is_no_leak),
		cmocka_unit_test(test_a_slow_leak_keeps),
		cmocka_unit_test(test_a_backlog_keeps),
		cmocka_unit_test(test_sessions_that_warm_up_are_no_backlog),
		cmocka_unit_test(test_a_backlog_that_begins_keeps),
		cmocka_unit_test(test_a_backlog_keeps_on_a_busy_host),
		cmocka_unit_test(test_nothing_new_is_undecided),
		cmocka_unit_test(test_a_thinned_sample_holds),
		cmocka_unit_test(test_short_timers_can_pile_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
