// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the root process believes of an answer that a stranger may have written: each count that
 * leads out of its table and each reference that leads nowhere makes it none.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/report.h"

#define SIZE (offsetof(struct go_report, strings) + 1) /* of one whose only string is "" */

/* One of each kind, all of which hold. */
static struct go_report *honest(void)
{
	struct go_report *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->n_groups = r->n_timers = r->n_samples = r->n_channels = r->n_pools = 1;
	r->n_codes = r->n_places = r->n_stacks = r->n_strings = 1;
	r->sampled = 1;
	return r;
}

static bool is_refused(struct go_report *r)
{
	bool refused = go_report_check(r, SIZE) < 0;

	free(r);
	return refused;
}

static void test_one_that_holds(void **state)
{
	assert_false(is_refused(honest()));
}

/* The tables behind a count are zeros, whose references hold: it is the count that is refused. */
static void test_counts_beyond_their_tables(void **state)
{
	static const struct {
		size_t at;
		uint32_t most;
	} counts[] = {
		{ offsetof(struct go_report, n_groups), GO_GROUPS },
		{ offsetof(struct go_report, n_timers), GO_TIMERS_MAX },
		{ offsetof(struct go_report, n_samples), GO_SAMPLES },
		{ offsetof(struct go_report, n_channels), GO_CHANNELS_MAX },
		{ offsetof(struct go_report, n_pools), GO_POOLS_MAX },
		{ offsetof(struct go_report, n_codes), GO_CODES },
		{ offsetof(struct go_report, n_places), GO_PLACES },
		{ offsetof(struct go_report, n_stacks), GO_STACKS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct go_report *full = honest(), *beyond = honest();

		*(uint32_t *)((uint8_t *)full + counts[i].at) = counts[i].most;
		assert_false(is_refused(full));
		*(uint32_t *)((uint8_t *)beyond + counts[i].at) = counts[i].most + 1;
		assert_true(is_refused(beyond));
	}
}

static void test_references_that_lead_nowhere(void **state)
{
	const struct {
		size_t at;
		uint16_t value;
	} references[] = {
		{ offsetof(struct go_report, groups[0].made), 1 },
		{ offsetof(struct go_report, groups[0].start), 1 },
		{ offsetof(struct go_report, groups[0].stack), 2 },
		{ offsetof(struct go_report, groups[0].n_stack), 2 },
		{ offsetof(struct go_report, groups[0].reason), 1 },
		{ offsetof(struct go_report, timer_groups[0].code), 1 },
		{ offsetof(struct go_report, timer_groups[0].kind), GO_TIMER_KINDS },
		{ offsetof(struct go_report, samples[0].group), 1 },
		{ offsetof(struct go_report, channels[0].n_makers), 2 },
		{ offsetof(struct go_report, channels[0].n_senders), 2 },
		{ offsetof(struct go_report, channels[0].n_sender), 2 },
		{ offsetof(struct go_report, channels[0].n_holder), 2 },
		{ offsetof(struct go_report, channels[0].items), 1 },
		{ offsetof(struct go_report, pools[0].n_user), 2 },
		{ offsetof(struct go_report, n_pool_calls), 2 },
		{ offsetof(struct go_report, codes[0].first), 2 },
		{ offsetof(struct go_report, codes[0].n), 2 },
		{ offsetof(struct go_report, places[0].function), 1 },
		{ offsetof(struct go_report, places[0].file), 1 },
		{ offsetof(struct go_report, stacks[0]), 1 },
		{ offsetof(struct go_report, strings[0]), 'x' },
	};

	for (size_t i = 0; i < ARRAY_SIZE(references); i++) {
		struct go_report *r = honest();

		*(uint16_t *)((uint8_t *)r + references[i].at) = references[i].value;
		assert_true(is_refused(r));
	}
}

/* Who follows a sample divides by it. */
static void test_a_sample_of_nothing(void **state)
{
	struct go_report *r = honest();

	r->sampled = 0;
	assert_true(is_refused(r));
}

static void test_a_fraction_that_is_none(void **state)
{
	static const double wrong[] = { NAN, INFINITY, -INFINITY, -0.01, 1.01 };
	struct go_report *whole = honest();

	whole->collector.cpu_fraction = 1;
	assert_false(is_refused(whole));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct go_report *r = honest();

		r->collector.cpu_fraction = wrong[i];
		assert_true(is_refused(r));
	}
}

static void test_a_size_that_is_not_its_own(void **state)
{
	struct go_report *r = honest();

	assert_true(go_report_check(r, SIZE - 1) < 0);
	assert_true(go_report_check(r, SIZE + 1) < 0);
	assert_true(go_report_check(r, sizeof(*r) + 1) < 0);
	assert_true(go_report_check(r, 0) < 0);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_that_holds),
		cmocka_unit_test(test_counts_beyond_their_tables),
		cmocka_unit_test(test_references_that_lead_nowhere),
		cmocka_unit_test(test_a_sample_of_nothing),
		cmocka_unit_test(test_a_fraction_that_is_none),
		cmocka_unit_test(test_a_size_that_is_not_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
