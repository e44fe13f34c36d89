// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/explain/go/buffers.h"

#define MB   1000000ull
#define KB   1000ull
#define HEAD 77

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct gobuffers));
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void look(struct gobuffers *b, const struct go_buffer *rows, uint32_t n)
{
	gobuffers_add(b, rows, n, b->looks);
}

static void look_at_one(struct gobuffers *b, uint64_t address, uint64_t bytes, uint64_t filled)
{
	look(b, &(struct go_buffer){ address, bytes, filled, HEAD }, 1);
}

/* All that a slice needs that loses items at its beginning is within the array. */
static void test_a_window_may_slide(void **state)
{
	struct gobuffers *b = *state;

	for (uint64_t i = 0; i < 10; i++)
		look_at_one(b, MB, 10 * MB, 5 * MB + i * 100 * KB);
	assert_int_equal(gobuffers_count(b, gobuffer_grows), 1);
	assert_int_equal(gobuffers_count(b, gobuffer_keeps), 0);
	assert_int_equal(gobuffer_grown(&b->rows[0]), 900 * KB);
	assert_true(gobuffer_rate(b, &b->rows[0]) > 99999 &&
		    gobuffer_rate(b, &b->rows[0]) < 100001);
}

static void test_known_to_be_whole(void **state)
{
	struct gobuffers *b = *state;

	test_a_window_may_slide(state);
	b->rows[0].whole = true;
	assert_int_equal(gobuffers_count(b, gobuffer_keeps), 1);
}

/* A ring that the program made so large is full for the first time, much later. */
static void test_a_ring_may_fill(void **state)
{
	struct gobuffers *b = *state;

	for (uint64_t i = 0; i < 10; i++)
		look_at_one(b, MB, 10 * MB, MB + i * 200 * KB);
	assert_int_equal(gobuffers_count(b, gobuffer_grows), 1);
	b->rows[0].whole = true; /* who writes to it has its beginning at hand */
	assert_int_equal(gobuffers_count(b, gobuffer_keeps), 0);
}

static void test_what_is_full_and_stays_is_bounded(void **state)
{
	struct gobuffers *b = *state;

	for (uint64_t i = 0; i < 10; i++)
		look_at_one(b, MB, 10 * MB, 5 * MB + i * 500 * KB);
	b->rows[0].whole = true;
	assert_int_equal(gobuffers_count(b, gobuffer_keeps), 1);
	look_at_one(b, MB, 10 * MB, 10 * MB);
	assert_int_equal(gobuffers_count(b, gobuffer_keeps), 0);
}

/* Into a larger array, beside which the old one and one between are still seen. */
static void test_moved(void **state)
{
	struct gobuffers *b = *state;

	for (uint64_t i = 0; i < 5; i++)
		look_at_one(b, MB, 6 * MB, 5 * MB + i * 100 * KB);
	for (uint64_t i = 5; i < 10; i++) {
		const struct go_buffer rows[] = {
			{ MB, 6 * MB, 6 * MB, HEAD },
			{ 20 * MB, 7 * MB, 7 * MB, HEAD },
			{ 50 * MB, 9 * MB, 7 * MB + i * 200 * KB, HEAD },
		};

		look(b, rows, 3);
	}
	assert_int_equal(gobuffers_count(b, gobuffer_grows), 1);
	assert_int_equal(gobuffers_count(b, gobuffer_keeps), 1);
	assert_int_equal(b->rows[0].address, 50 * MB);
}

/* No collection ends: every array that it ever lay in is still seen, each as full as it was left.
 */
static void test_moved_again_and_again(void **state)
{
	struct gobuffers *b = *state;

	for (uint64_t i = 0; i < 12; i++) {
		struct go_buffer rows[12];

		for (uint64_t k = 0; k <= i; k++)
			rows[k] = (struct go_buffer){ (k + 1) * 100 * MB, (k + 1) * MB,
						      k < i ? (k + 1) * MB : k * MB + 500 * KB,
						      HEAD };
		look(b, rows, (uint32_t)i + 1);
	}
	assert_int_equal(gobuffers_count(b, gobuffer_grows), 1);
	assert_int_equal(gobuffers_count(b, gobuffer_keeps), 1);
	assert_int_equal(b->rows[0].address, 1200 * MB);
}

/* The items at its beginning stayed behind. */
static void test_moved_without_its_beginning(void **state)
{
	struct gobuffers *b = *state;

	for (uint64_t i = 0; i < 5; i++)
		look_at_one(b, MB, 6 * MB, 5 * MB + i * 200 * KB);
	for (uint64_t i = 5; i < 10; i++)
		look(b, &(struct go_buffer){ 20 * MB, 6 * MB, 5 * MB + i * 10 * KB, HEAD + 1 }, 1);
	assert_int_equal(gobuffers_count(b, gobuffer_keeps), 0);
}

static void test_used_again(void **state)
{
	struct gobuffers *b = *state;

	for (uint64_t i = 0; i < 10; i++)
		look_at_one(b, MB, 10 * MB, MB + i % 4 * MB);
	assert_int_equal(gobuffers_count(b, gobuffer_grows), 0);
}

static void test_full_early(void **state)
{
	struct gobuffers *b = *state;

	for (uint64_t i = 0; i < 10; i++)
		look_at_one(b, MB, 10 * MB, i < 3 ? (i + 1) * 3 * MB : 10 * MB);
	assert_int_equal(gobuffers_count(b, gobuffer_grows), 0);
}

/* A large answer that is made meanwhile. */
static void test_seen_for_a_part(void **state)
{
	struct gobuffers *b = *state;

	for (uint64_t i = 0; i < 10; i++)
		look(b, &(struct go_buffer){ MB, 10 * MB, i * MB, HEAD }, i < 5 ? 0 : 1);
	assert_int_equal(gobuffers_count(b, gobuffer_grows), 1);
	assert_int_equal(gobuffers_count(b, gobuffer_keeps), 0);
}

/* One of many slices, a few items longer at each look. */
static void test_small_ones_fill(void **state)
{
	struct gobuffers *b = *state;

	for (uint64_t i = 0; i < 10; i++)
		look(b, &(struct go_buffer){ MB, KB, 500 + i * 24, 0 }, 1);
	assert_int_equal(gobuffers_count(b, gobuffer_fills), 1);
	assert_int_equal(gobuffers_count(b, gobuffer_grows), 0);
	assert_int_equal(gobuffers_count(b, gobuffer_keeps), 0);
}

static void test_small_ones_that_do_not_fill(void **state)
{
	struct gobuffers *b = *state;

	for (uint64_t i = 0; i < 12; i++) {
		const struct go_buffer rows[] = {
			{ 1 * MB, KB, 500, 0 },			     /* full, or at rest */
			{ 2 * MB, KB, 500 + i * 4, 0 },		     /* a number gets longer */
			{ 3 * MB, KB, i < 6 ? 500 + i * 60 : 0, 0 }, /* another takes its place */
			{ 4 * MB, KB, 100 + i * 60, 0 },	     /* made only a moment ago */
		};

		look(b, rows, i < 9 ? 3 : 4);
	}
	assert_int_equal(gobuffers_count(b, gobuffer_fills), 0);
}

/* Of a start: the heap grows by a third, and one in fifty of its bytes is of an array that fills.
 */
static void test_few_that_fill_are_not_what_grows(void **state)
{
	struct gobuffers *b = *state;
	struct go_buffer rows[50];

	assert_false(gobuffers_explain(b, 0, 0));
	for (uint64_t i = 0; i < 10; i++) {
		for (uint64_t k = 0; k < 50; k++)
			rows[k] = (struct go_buffer){ (k + 1) * MB, KB, 500 + (k ? 0 : i * 24), 0 };
		look(b, rows, 50);
	}
	assert_int_equal(gobuffers_count(b, gobuffer_fills), 1);
	assert_false(gobuffers_explain(b, 30 * MB, 10 * MB));
	assert_true(gobuffers_explain(b, 30 * MB, 1 * MB));
}

static void test_more_than_there_is_room_for(void **state)
{
	struct gobuffers *b = *state;

	for (uint64_t i = 0; i < 2 * GOBUFFERS_LOOKS; i++) {
		struct go_buffer seen[GO_BUFFERS_MAX];

		for (uint32_t k = 0; k < GO_BUFFERS_MAX; k++)
			seen[k] = (struct go_buffer){ (i * 64 + k) * MB, MB, KB, 0 };
		gobuffers_add(b, seen, GO_BUFFERS_MAX, (double)i);
		assert_true(b->n <= GOBUFFERS_MAX && b->looks <= GOBUFFERS_LOOKS);
	}
	assert_int_equal(gobuffers_count(b, gobuffer_grows), 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_a_window_may_slide),
		test(test_known_to_be_whole),
		test(test_a_ring_may_fill),
		test(test_what_is_full_and_stays_is_bounded),
		test(test_moved),
		test(test_moved_again_and_again),
		test(test_moved_without_its_beginning),
		test(test_used_again),
		test(test_full_early),
		test(test_seen_for_a_part),
		test(test_small_ones_fill),
		test(test_small_ones_that_do_not_fill),
		test(test_few_that_fill_are_not_what_grows),
		test(test_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
