// SPDX-License-Identifier: GPL-2.0-only
/* What holds objects of a heap that does not exist. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/runtime/go/stores.h"
#include "tests/unit/go_fake_heap.h"

#define ENTRIES (LARGE + (1u << 20))
#define PARTS	(LARGE + (2u << 20))
#define BYTES	(5 * PAGE)
#define N	12

enum { POINTERS = 0, SMALL_POINTERS = 40, SMALL_NONE = 41 }; /* classes of spans */

/* Twelve entries of 64 bytes, each of which has a part of 16 without pointers at its offset 24. */
static int set_up(void **state)
{
	struct fake *f = fake_new_heap();

	put_span(f, LARGE, BYTES, BYTES, POINTERS);
	put_span(f, ENTRIES, PAGE, 64, SMALL_POINTERS);
	put_span(f, PARTS, PAGE, 16, SMALL_NONE);
	for (uint64_t i = 0; i < N; i++)
		put_word(f, ENTRIES + 64 * i + 24, PARTS + 16 * i + 4);
	*state = f;
	return 0;
}

/* Words of the store that lead to the entries, from the first on. */
static void fill(const struct fake *f, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		put_word(f, LARGE + 8 * i, ENTRIES + 64 * (i % N));
}

/* For the entries and, after them, their parts. */
static int ask(struct fake *f, struct go_stores *ret)
{
	static struct go_stores_request request = { .ask = GO_ASK_STORES, .n = 2 * N };
	size_t size = sizeof(*ret);
	int r;

	for (uint64_t i = 0; i < N; i++) {
		request.addresses[i] = ENTRIES + 64 * i;
		request.addresses[N + i] = PARTS + 16 * i + 4;
	}
	go_memory_begin(&f->process.memory, &fake_source, FAKE_CPU_NS, FAKE_BYTES);
	r = go_stores_answer(&f->process, &request,
			     offsetof(struct go_stores_request, addresses[2 * N]), ret, &size);
	if (r == 0)
		assert_int_equal(go_stores_check(ret, size, 2 * N), 0);
	return r;
}

static void test_a_store_with_room(void **state)
{
	struct fake *f = *state;
	struct go_stores s;

	fill(f, N);
	assert_int_equal(ask(f, &s), 0);
	for (uint32_t i = 0; i < 2 * N; i++) {
		assert_int_equal(s.rows[i].address, LARGE);
		assert_int_equal(s.rows[i].bytes, BYTES);
		assert_int_equal(s.rows[i].filled, 8 * N - 3); /* addresses have five bytes */
		assert_int_equal(s.rows[i].entries, N);
	}
	assert_int_equal(s.unread.swapped + s.unread.absent + s.unread.failed, 0);
}

/* It may be full, as what append makes is, or of few: then nothing is known. */
static void test_what_is_no_store(void **state)
{
	struct fake *f = *state;
	struct go_stores s;

	fill(f, GO_STORE_LEAST - 1);
	assert_int_equal(ask(f, &s), 0);
	for (uint32_t i = 0; i < 2 * N; i++)
		assert_int_equal(s.rows[i].address, 0);
	fill(f, GO_STORE_LEAST);
	assert_int_equal(ask(f, &s), 0);
	assert_int_equal(s.rows[0].address, LARGE);
	assert_int_equal(s.rows[GO_STORE_LEAST].address, 0);
	assert_int_equal(s.rows[N].address, LARGE);
	fill(f, BYTES / 8 / 2);
	assert_int_equal(ask(f, &s), 0);
	for (uint32_t i = 0; i < 2 * N; i++)
		assert_int_equal(s.rows[i].address, 0);
}

/* Objects without pointers are not read: what looks like an address there is none. */
static void test_only_pointers_lead(void **state)
{
	struct fake *f = *state;
	struct go_stores s;
	uint64_t other = LARGE + (3u << 20);

	put_span(f, other, BYTES, BYTES, 1);
	for (uint64_t i = 0; i < N; i++)
		put_word(f, other + 8 * i, ENTRIES + 64 * i);
	assert_int_equal(ask(f, &s), 0);
	for (uint32_t i = 0; i < 2 * N; i++)
		assert_int_equal(s.rows[i].address, 0);
}

static void test_too_large_a_heap(void **state)
{
	struct fake *f = *state;
	struct go_stores s;

	put_span(f, LARGE + (4u << 20), 48u << 20, 48u << 20, POINTERS);
	assert_int_equal(ask(f, &s), 0);
	put_span(f, LARGE + (1ull << 32), 48u << 20, 48u << 20, POINTERS);
	assert_int_equal(ask(f, &s), -E2BIG);
}

/* The entries lead to their parts, and one more than is followed leads to an entry. */
static void test_more_holders_than_are_followed(void **state)
{
	struct fake *f = *state;
	uint64_t crowd = LARGE + (3u << 20), n = 8192 - N + 1;
	struct go_stores s;

	put_span(f, crowd, 65 * PAGE, 64, SMALL_POINTERS);
	for (uint64_t i = 0; i < n - 1; i++)
		put_word(f, crowd + 64 * i, ENTRIES);
	assert_int_equal(ask(f, &s), 0);
	assert_int_equal(s.cut, 0);
	put_word(f, crowd + 64 * (n - 1), ENTRIES);
	assert_int_equal(ask(f, &s), 0);
	assert_int_equal(s.cut, 1);
}

static void test_a_part_that_is_swapped_out(void **state)
{
	struct fake *f = *state;
	uint64_t other = LARGE + (3u << 20);
	struct go_stores s;

	fill(f, N);
	put_span(f, other, BYTES, BYTES, POINTERS);
	fake_memory_entry(&f->process, other, PAGE, FAKE_SWAPPED);
	assert_int_equal(ask(f, &s), 0);
	assert_int_equal(s.rows[0].address, LARGE);
	assert_true(s.unread.swapped > 0);
	assert_int_equal(s.unread.absent + s.unread.failed, 0);
}

/* Groups of goroutines are cleared only as far as they were counted. */
static void test_groups_are_left_alone(void **state)
{
	static const uint8_t zeros[512];
	struct fake *f = *state;
	struct go_stores s;

	memset(go_scratch(GO_SCRATCH_GROUPS, sizeof(zeros)), 0, sizeof(zeros));
	assert_int_equal(ask(f, &s), 0);
	assert_memory_equal(go_scratch(GO_SCRATCH_GROUPS, sizeof(zeros)), zeros, sizeof(zeros));
}

static void test_answers_are_checked(void **state)
{
	struct go_stores s = { .n = 1, .rows = { { .address = 8, .bytes = 8, .filled = 8 } } };
	size_t size = offsetof(struct go_stores, rows[1]);

	assert_int_equal(go_stores_check(&s, size, 1), 0);
	assert_int_equal(go_stores_check(&s, size, 2), -EPIPE);
	assert_int_equal(go_stores_check(&s, size - 1, 1), -EPIPE);
	s.rows[0].filled = 9;
	assert_int_equal(go_stores_check(&s, size, 1), -EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_store_with_room, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_what_is_no_store, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_only_pointers_lead, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_too_large_a_heap, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_more_holders_than_are_followed, set_up,
						fake_free),
		cmocka_unit_test_setup_teardown(test_a_part_that_is_swapped_out, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_groups_are_left_alone, set_up, fake_free),
		cmocka_unit_test(test_answers_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
