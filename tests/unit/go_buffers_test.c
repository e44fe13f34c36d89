// SPDX-License-Identifier: GPL-2.0-only
/* How far objects of a heap that does not exist are filled. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/runtime/go/buffers.h"
#include "tests/unit/go_fake_heap.h"

#define BYTES (9 * PAGE)
#define END   0x7ffffffff000ull
#define OTHER (LARGE + (1u << 20))

static int set_up(void **state)
{
	struct fake *f = fake_new_heap();

	*state = f;
	return 0;
}

static int ask(struct fake *f, struct go_buffers *ret)
{
	static const struct go_buffers_request request = { .ask = GO_ASK_BUFFERS };
	size_t size = sizeof(*ret);
	int r;

	go_memory_begin(&f->process.memory, &fake_source, FAKE_CPU_NS, FAKE_BYTES);
	r = go_buffers_answer(&f->process, &request, sizeof(request), ret, &size);
	if (r == 0)
		assert_int_equal(go_buffers_check(ret, size), 0);
	return r;
}

static void fill(const struct fake *f, uint64_t at, uint64_t bytes)
{
	static uint8_t ones[BYTES];

	memset(ones, 1, sizeof(ones));
	put(f, at, ones, bytes);
}

static void test_borders(void **state)
{
	static const uint64_t borders[] = { 1,	  7,	4095,	   4096,      4097,
					    8192, 8193, BYTES / 2, BYTES - 1, BYTES };
	struct fake *f = *state;
	struct go_buffers b;

	put_span(f, LARGE, BYTES, BYTES, 1);
	assert_int_equal(ask(f, &b), 0);
	assert_int_equal(b.largest, 1);
	assert_int_equal(b.n, 2); /* it is all of the sample, too */
	assert_int_equal(b.rows[0].filled, 0);
	assert_int_equal(b.rows[0].head, 0);
	for (size_t i = 0; i < sizeof(borders) / sizeof(borders[0]); i++) {
		fill(f, LARGE, borders[i]);
		assert_int_equal(ask(f, &b), 0);
		assert_int_equal(b.rows[0].filled, borders[i]);
		assert_memory_equal(&b.rows[0], &b.rows[1], sizeof(b.rows[0]));
	}
	assert_int_equal(b.rows[0].address, LARGE);
	assert_int_equal(b.rows[0].bytes, BYTES);
}

static void test_copies_have_the_same_head(void **state)
{
	struct fake *f = *state;
	struct go_buffers b;

	put_span(f, LARGE, BYTES, BYTES, 1);
	put_span(f, OTHER, BYTES, BYTES, 0);
	fill(f, LARGE, 5000);
	fill(f, OTHER, 6000);
	assert_int_equal(ask(f, &b), 0);
	assert_int_equal(b.largest, 2);
	assert_int_equal(b.rows[0].head, b.rows[1].head);
	put_word(f, OTHER + 8, 2);
	assert_int_equal(ask(f, &b), 0);
	assert_int_not_equal(b.rows[0].head, b.rows[1].head);
}

static void test_the_largest_are_told(void **state)
{
	struct fake *f = *state;
	struct go_buffers b;

	for (uint64_t i = 0; i < 2 * GO_BUFFERS_SAMPLED; i++)
		put_span(f, LARGE + i * 64 * PAGE, (4 + i % 8) * PAGE, (4 + i % 8) * PAGE, 1);
	assert_int_equal(ask(f, &b), 0);
	assert_int_equal(b.largest, GO_BUFFERS_LARGEST);
	assert_int_equal(b.n, GO_BUFFERS_MAX);
	for (uint32_t i = 0; i < b.largest; i++)
		assert_true(b.rows[i].bytes >= 8 * PAGE);
}

static void test_small_objects_are_in_the_sample(void **state)
{
	struct fake *f = *state;
	uint64_t at = 0;
	struct go_buffers b;

	put_span(f, LARGE, PAGE, 1024, 40);
	put_span(f, OTHER, PAGE, 128, 40);
	for (uint64_t filled = 0; filled <= 1024; filled += 512) {
		fill(f, at, filled);
		assert_int_equal(ask(f, &b), 0);
		assert_int_equal(b.largest, 0);
		assert_int_equal(b.n, 1);
		assert_true(at == 0 || b.rows[0].address == at);
		at = b.rows[0].address;
		assert_true(at >= LARGE && (at - LARGE) % 1024 == 0 && at + 1024 <= LARGE + PAGE);
		assert_int_equal(b.rows[0].filled, filled);
	}
}

static uint64_t sampled_bytes(const struct go_buffers *b)
{
	uint64_t sum = 0;

	for (uint32_t i = b->largest; i < b->n; i++)
		sum += b->rows[i].bytes;
	return sum;
}

static bool is_sampled(const struct go_buffers *b, uint64_t address)
{
	for (uint32_t i = b->largest; i < b->n; i++)
		if (b->rows[i].address == address)
			return true;
	return false;
}

/* What comes beside it does not change whom the sample picked before, but for its share. */
static void test_the_sample_stays(void **state)
{
	struct fake *f = *state;
	struct go_buffers before, b;
	uint32_t same = 0;

	for (uint64_t i = 0; i < 2 * GO_BUFFERS_SAMPLED; i++)
		put_span(f, LARGE + i * 64 * PAGE, i % 2 ? PAGE : 9 * PAGE, i % 2 ? 512 : 9 * PAGE,
			 1);
	assert_int_equal(ask(f, &before), 0);
	assert_int_equal(before.n - before.largest, GO_BUFFERS_SAMPLED);
	assert_true(sampled_bytes(&before) > GO_BUFFERS_SAMPLED * 5 * PAGE); /* by bytes */
	put_span(f, LARGE + 3ull * GO_BUFFERS_SAMPLED * 64 * PAGE, PAGE, 512, 1);
	assert_int_equal(ask(f, &b), 0);
	for (uint32_t i = before.largest; i < before.n; i++)
		same += is_sampled(&b, before.rows[i].address);
	assert_true(same >= GO_BUFFERS_SAMPLED - 1);
}

static void test_what_is_gone_is_not_told(void **state)
{
	struct fake *f = *state;
	struct go_buffers b;

	put_span(f, LARGE, BYTES, BYTES, 1);
	put_span(f, END - BYTES + 100, BYTES, BYTES, 1); /* beyond the end of the memory */
	fill(f, LARGE, 100);
	assert_int_equal(ask(f, &b), 0);
	assert_int_equal(b.largest, 1);
	assert_int_equal(b.n, 2);
	assert_int_equal(b.rows[0].address, LARGE);
	assert_int_equal(b.rows[1].address, LARGE);
}

/* Nothing is known before the first collection: what the runtime has there is an assumption. */
static void test_what_was_marked(void **state)
{
	struct fake *f = *state;
	struct go_buffers b;

	put_collector(f, 0, 2 << 20);
	assert_int_equal(ask(f, &b), 0);
	assert_int_equal(b.heap_marked, 0);
	put_collector(f, 1, 3 << 20);
	assert_int_equal(ask(f, &b), 0);
	assert_int_equal(b.heap_marked, 3 << 20);
}

static void test_answers_are_checked(void **state)
{
	struct go_buffers b = { .n = 1 };
	size_t size = offsetof(struct go_buffers, rows[1]);

	b.rows[0] = (struct go_buffer){ .address = LARGE, .bytes = BYTES, .filled = BYTES };
	assert_int_equal(go_buffers_check(&b, size), 0);
	assert_int_equal(go_buffers_check(&b, size - 1), -EPIPE);
	b.rows[0].filled++;
	assert_int_equal(go_buffers_check(&b, size), -EPIPE);
	b.rows[0] = (struct go_buffer){ .address = UINT64_MAX, .bytes = BYTES };
	assert_int_equal(go_buffers_check(&b, size), -EPIPE);
	b.rows[0] = (struct go_buffer){ 0 };
	b.largest = 2;
	assert_int_equal(go_buffers_check(&b, size), -EPIPE);
	b.largest = 0;
	assert_int_equal(go_buffers_check(&b, size), 0);
	b.n = GO_BUFFERS_MAX + 1;
	assert_int_equal(go_buffers_check(&b, sizeof(b)), -EPIPE);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, fake_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_borders),
		test(test_copies_have_the_same_head),
		test(test_the_largest_are_told),
		test(test_small_objects_are_in_the_sample),
		test(test_the_sample_stays),
		test(test_what_is_gone_is_not_told),
		test(test_what_was_marked),
		cmocka_unit_test(test_answers_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
