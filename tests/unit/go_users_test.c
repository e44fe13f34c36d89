// SPDX-License-Identifier: GPL-2.0-only
/* Which connections to a database somebody has of their pool, by the memory of a program that does
 * not exist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "tests/unit/go_fake.h"

#define POOL	   0xc000001000ull
#define CONNECTION 0xc000100000ull
#define FLAGS	   56 /* needReset, closed, finalClosed */
#define CLOSED	   (1ull << 8)
#define FOR_GOOD   (1ull << 16)
#define IN_USE	   72
#define RETURNED   80 /* a time: nanoseconds and seconds in its first word */

static int set_up(void **state)
{
	*state = fake_new();
	return 0;
}

#define WHEN	   0x123456789abcdef0ull

static uint32_t fate_of(struct fake *f, uint64_t pool, uint64_t flags, uint64_t in_use,
			uint64_t returned)
{
	static struct go_fates_request q = {
		.n = 1, .objects = { { .address = CONNECTION, .generation = (uint32_t)WHEN } }
	};
	static struct go_fates fates;

	put_word(f, CONNECTION, pool);
	put_word(f, CONNECTION + FLAGS, flags);
	put_word(f, CONNECTION + IN_USE, in_use);
	put_word(f, CONNECTION + RETURNED, returned);
	go_memory_begin(&f->process.memory, &fake_source, FAKE_CPU_NS, FAKE_BYTES);
	assert_int_equal(go_users_ask(&f->process, &q, &fates), 0);
	assert_int_equal(fates.answers[0].generation, (uint32_t)WHEN);
	return fates.answers[0].fate;
}

static uint32_t fate(struct fake *f, uint64_t pool, uint64_t flags, uint64_t in_use)
{
	return fate_of(f, pool, flags, in_use, WHEN);
}

static void test_who_is_used(void **state)
{
	assert_int_equal(fate(*state, POOL, 0, 1), GO_FATE_ALIVE);
	assert_int_equal(fate(*state, POOL, 0, 0), GO_FATE_DEAD);
	assert_int_equal(fate(*state, POOL, CLOSED, 1), GO_FATE_DEAD);
	assert_int_equal(fate(*state, POOL, FOR_GOOD, 1), GO_FATE_DEAD);
}

/* The next query on it is another's. */
static void test_what_was_returned_since(void **state)
{
	assert_int_equal(fate_of(*state, POOL, 0, 1, WHEN), GO_FATE_ALIVE);
	assert_int_equal(fate_of(*state, POOL, 0, 1, WHEN + 1), GO_FATE_DEAD);
}

/* Where it was, something else can be by now. */
static void test_what_is_no_connection(void **state)
{
	assert_int_equal(fate(*state, 0, 0, 1), GO_FATE_DEAD);
	assert_int_equal(fate(*state, POOL, 0, 0x41), GO_FATE_DEAD);
	assert_int_equal(fate(*state, POOL, 0x7f, 1), GO_FATE_DEAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_who_is_used, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_what_was_returned_since, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_what_is_no_connection, set_up, fake_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
