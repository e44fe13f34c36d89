// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channels of a program that does not exist: its memory is a file whose offsets are the addresses.
 * What holds together is found, in either layout and wherever its buffer is; what lies is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/channels.h"
#include "tests/unit/go_fake_heap.h"

#define TYPES	 0x400000ull
#define SMALL	 0xc000100000ull
#define OBJECTS	 0xc000200000ull
#define CAPACITY 20000ull

/* Descriptions of types at TYPES: of 64 bytes without pointers, of 8 that are one. */
#define PLAIN	 TYPES
#define POINTER	 (TYPES + 64)
#define PLAIN_B	 64u
#define OLD_SIZE 96u
#define NEW_SIZE 112u

static int set_up(void **state)
{
	struct fake *f = fake_new_heap();
	struct go_process *p = &f->process;
	uint64_t plain[2] = { PLAIN_B, 0 }, pointer[2] = { 8, 8 };

	p->image.segments[0] = (struct go_segment){ .address = TYPES, .size = 0x1000 };
	p->image.n_segments = 1;
	put(f, PLAIN, plain, sizeof(plain));
	put(f, POINTER, pointer, sizeof(pointer));
	put_word(f, TYPES + 0x1000 + PAGE, 0);
	*state = f;
	return 0;
}

static enum go_status scan_again(struct fake *f)
{
	return fake_scan(f, &(struct go_request){ .stacks = 1 }, go_channels_scan);
}

/* With a search of the heap. */
static enum go_status scan(struct fake *f)
{
	free(TAKE_PTR(f->process.channels));
	return scan_again(f);
}

static int check(const struct go_report *r)
{
	return go_report_check(r, offsetof(struct go_report, strings) + r->n_strings);
}

/* The fields of a channel, by their places in both layouts. */
enum { ITEMS = 0, ROOM = 8, BUFFER = 16, SIZE = 24, CLOSED = 28 };

struct hchan {
	uint64_t at, buffer, type, items, taken_at;
	uint32_t size;
	bool old;
};

static uint64_t type_at(const struct hchan *c)
{
	return c->at + (c->old ? 32 : 40);
}

static void put_channel(const struct fake *f, const struct hchan *c)
{
	put_word(f, c->at + ITEMS, c->items);
	put_word(f, c->at + ROOM, CAPACITY);
	put_word(f, c->at + BUFFER, c->buffer);
	put_word(f, c->at + SIZE, c->size);
	put_word(f, type_at(c), c->type);
	put_word(f, type_at(c) + 8, (c->taken_at + c->items) % CAPACITY);
	put_word(f, type_at(c) + 16, c->taken_at);
}

static uint64_t pages_of(uint64_t bytes)
{
	return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* Of plain items: one object. */
static struct hchan put_plain(struct fake *f, bool old)
{
	struct hchan c = { .at = LARGE,
			   .buffer = LARGE + (old ? OLD_SIZE : NEW_SIZE),
			   .type = PLAIN,
			   .items = 500,
			   .taken_at = CAPACITY - 100,
			   .size = PLAIN_B,
			   .old = old };
	uint64_t bytes = pages_of(NEW_SIZE + CAPACITY * PLAIN_B);

	put_span(f, LARGE, bytes, bytes, 1);
	put_word(f, LARGE + bytes - 8, 0);
	put_channel(f, &c);
	return c;
}

/* Of pointers: the third of some small objects, and a large one. */
static struct hchan put_pointers(struct fake *f, bool old)
{
	uint64_t size = old ? OLD_SIZE : NEW_SIZE, bytes = pages_of(CAPACITY * 8);
	struct hchan c = { .at = SMALL + 2 * size,
			   .buffer = LARGE,
			   .type = POINTER,
			   .items = 500,
			   .size = 8,
			   .old = old };

	put_span(f, LARGE, bytes, bytes, 0);
	put_span(f, SMALL, PAGE, size, 20);
	put_word(f, SMALL + PAGE - 8, 0);
	put_channel(f, &c);
	return c;
}

static void test_of_plain_items(void **state)
{
	struct fake *f = *state;

	put_plain(f, f->process.image.minor < 23);
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_channels, 1);
	assert_int_equal(f->report->channels[0].address, LARGE);
	assert_int_equal(f->report->channels[0].items, 500);
	assert_int_equal(f->report->channels[0].capacity, CAPACITY);
	assert_int_equal(f->report->channels[0].sent_at, 400);
	assert_int_equal(f->report->channels[0].taken_at, CAPACITY - 100);
	assert_int_equal(f->report->channels[0].item_bytes, PLAIN_B);
	assert_int_equal(f->report->channels[0].kept, 0);
	assert_int_equal(check(f->report), 0);
}

static void test_of_plain_items_later(void **state)
{
	struct fake *f = *state;

	f->process.image.minor = 27;
	test_of_plain_items(state);
}

/* Each item leads to an object of a kilobyte. */
static void put_objects(struct fake *f)
{
	put_span(f, OBJECTS, 64 * PAGE, 1024, 40);
	for (uint64_t i = 0; i < 500; i++)
		put_word(f, LARGE + 8 * i, OBJECTS + 1024 * i + 16);
}

static void test_of_pointers(void **state)
{
	struct fake *f = *state;

	for (int old = 0; old <= 1; old++) {
		struct hchan c;

		f->n = 0;
		c = put_pointers(f, old);
		put_objects(f);
		assert_int_equal(scan(f), GO_READ);
		assert_int_equal(f->report->n_channels, 1);
		assert_int_equal(f->report->channels[0].address, c.at);
		assert_int_equal(f->report->channels[0].kept, 1024);
		assert_int_equal(check(f->report), 0);
		put_word(f, c.at + BUFFER, 0); /* the next round has it elsewhere */
	}
}

/* A place that was freed keeps its bytes. */
static void test_a_freed_one_is_none(void **state)
{
	struct fake *f = *state;
	uint8_t bits = 0;

	put_pointers(f, false);
	put_word(f, SPANS + 256 + 48, 2); /* places from the third on are told by their bits */
	put(f, BITS + PAGE, &bits, 1);
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_channels, 0);
	bits = 1 << 2;
	put(f, BITS + PAGE, &bits, 1);
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_channels, 1);
}

static void test_liars(void **state)
{
	struct fake *f = *state;
	struct hchan c = put_plain(f, false);
	const struct {
		uint64_t at, value;
	} lies[] = {
		{ c.at + ITEMS, CAPACITY + 1 },
		{ c.at + ITEMS, 900 },
		{ c.at + ITEMS, UINT64_MAX },
		{ c.at + ROOM, 0 },
		{ c.at + ROOM, 1ull << 62 },
		{ c.at + ROOM, CAPACITY / 2 },
		{ c.at + BUFFER, c.at },
		{ c.at + BUFFER, c.at + 8192 },
		{ c.at + BUFFER, UINT64_MAX },
		{ c.at + SIZE, 32 },
		{ c.at + SIZE, PLAIN_B | 2ull << 32 },
		{ type_at(&c), 0 },
		{ type_at(&c), PLAIN + 4 },
		{ type_at(&c), POINTER },
		{ type_at(&c), c.at },
		{ type_at(&c), UINT64_MAX - 7 },
		{ type_at(&c) + 8, CAPACITY },
		{ type_at(&c) + 16, UINT64_MAX },
	};

	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_channels, 1);
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		put_word(f, lies[i].at, lies[i].value);
		assert_int_equal(scan(f), GO_READ);
		if (f->report->n_channels)
			print_error("lie %zu was believed\n", i);
		assert_int_equal(f->report->n_channels, 0);
		put_channel(f, &c);
	}
}

/* Read while an item was put in: a count may be ahead of its index. */
static void test_torn_by_one(void **state)
{
	struct fake *f = *state;
	struct hchan c = put_plain(f, false);

	put_word(f, c.at + ITEMS, 501);
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_channels, 1);
	put_word(f, c.at + ITEMS, 499);
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_channels, 1);
}

static void test_absurd_lists(void **state)
{
	struct fake *f = *state;
	uint64_t slice[3] = { SPANS_LIST, 10, 5 };
	uint64_t at = HEAP + f->process.heap.layout.heap_generation + 8;

	put_plain(f, false);
	put(f, at, slice, sizeof(slice));
	assert_int_equal(scan(f), GO_TORN);
	slice[1] = slice[2] = UINT64_MAX;
	put(f, at, slice, sizeof(slice));
	assert_int_equal(scan(f), GO_TOO_LONG);
	put_list(f, 0);
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_channels, 0);
}

/* The same span again and again: no more channels than there is room for. */
static void test_one_many_times(void **state)
{
	struct fake *f = *state;

	put_plain(f, false);
	for (uint64_t i = 1; i < 4000; i++)
		put_word(f, SPANS_LIST + 8 * i, SPANS);
	put_list(f, 4000);
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_channels, GO_CHANNELS_MAX);
	assert_int_equal(check(f->report), 0);
}

/* Bytes of chance everywhere: an end, and an answer that passes the parent's check. */
static void test_chance(void **state)
{
	struct fake *f = *state;
	static uint8_t bytes[4 * PAGE];
	struct hchan c = put_plain(f, false);

	srandom(11);
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(random() % 3 ? 0 : random());
		put(f, SPANS + 256, bytes, PAGE);
		put(f, c.buffer, bytes, sizeof(bytes));
		for (uint64_t i = 1; i < 64; i++)
			put_word(f, SPANS_LIST + 8 * i, SPANS + (uint64_t)random() % PAGE);
		put_list(f, 64);
		scan(f);
		assert_int_equal(check(f->report), 0);
	}
}

/* Most scans read again what one found, and believe it as little. */
static void test_a_known_one_is_read_again(void **state)
{
	struct fake *f = *state;
	struct hchan c = put_plain(f, false);

	assert_int_equal(scan(f), GO_READ);
	put_list(f, 0);
	c.items = 700;
	put_channel(f, &c);
	assert_int_equal(scan_again(f), GO_READ);
	assert_int_equal(f->report->n_channels, 1);
	assert_int_equal(f->report->channels[0].items, 700);
	assert_int_equal(check(f->report), 0);
	put_word(f, c.at + BUFFER, LARGE + OLD_SIZE);
	assert_int_equal(scan_again(f), GO_READ);
	assert_int_equal(f->report->n_channels, 0);
}

/* Who wants no stacks is told how far it is filled, and seldom of a new one. */
static void test_for_who_comes_often(void **state)
{
	static const struct go_request lightly;
	struct fake *f = *state;
	struct hchan c = put_plain(f, false);

	for (int i = 0; i < 32; i++) {
		c.items = 700 - i;
		put_channel(f, &c);
		assert_int_equal(fake_scan(f, &lightly, go_channels_scan), GO_READ);
		assert_int_equal(f->report->n_channels, 1);
		assert_int_equal(f->report->channels[0].items, c.items);
		assert_int_equal(f->report->channels[0].n_makers, 0);
		assert_int_equal(f->report->n_stacks, 0);
		put_list(f, 0);
	}
	assert_int_equal(fake_scan(f, &lightly, go_channels_scan), GO_READ);
	assert_int_equal(f->report->n_channels, 0);
}

static void test_report_is_checked(void **state)
{
	struct fake *f = *state;
	struct go_report *r = f->report;

	put_plain(f, false);
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(check(r), 0);
	r->channels[0].items = CAPACITY + 1;
	assert_true(check(r) < 0);
	r->channels[0].items = 0;
	r->channels[0].makers = 1;
	assert_true(check(r) < 0);
	r->channels[0].makers = 0;
	r->channels[0].n_holder = 1;
	assert_true(check(r) < 0);
	r->channels[0].n_holder = 0;
	r->n_channels = GO_CHANNELS_MAX + 1;
	assert_true(check(r) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_of_plain_items, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_of_plain_items_later, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_of_pointers, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_a_freed_one_is_none, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_liars, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_torn_by_one, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_absurd_lists, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_one_many_times, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_chance, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_a_known_one_is_read_again, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_for_who_comes_often, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_report_is_checked, set_up, fake_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
