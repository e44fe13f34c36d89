// SPDX-License-Identifier: GPL-2.0-only
/* Which stacks are one site. Each letter is a place, innermost first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bpf/lib/site_key.h"

static uint64_t key_of(const char *places)
{
	struct site_key k = { 0 };

	for (; *places; places++)
		site_key_add(&k, (uint64_t)*places);
	return k.hash;
}

static uint64_t cut_key_of(const char *places, uint32_t left_out)
{
	struct site_key k = { 0 };
	__u64 pcs[32] = { 0 };
	uint32_t n = 0;

	for (; *places; places++) {
		pcs[n++] = (uint64_t)*places;
		site_key_add(&k, (uint64_t)*places);
	}
	assert_int_equal(site_key_cut(&k, pcs, n), left_out);
	return k.hash;
}

static void test_each_place_counts(void **state)
{
	assert_true(key_of("alr") != key_of("al"));
	assert_true(key_of("alr") != key_of("arl"));
}

static void test_depths_are_one_site(void **state)
{
	assert_int_equal(key_of("alllmw"), key_of("almw"));
	assert_int_equal(key_of("alrllrrlmw"), key_of("alrmw"));
	assert_true(key_of("alrmw") != key_of("alrmx"));
	assert_true(key_of("alpqrsl") != key_of("alpqrs")); /* too far away to be the same */
}

/* However many of the callers m, w are seen. */
static void test_a_cut_leaves_callers_out(void **state)
{
	uint64_t key = cut_key_of("alrlrrlr", 0);

	assert_int_equal(cut_key_of("alrlrrlm", 1), key);
	assert_int_equal(cut_key_of("alrlrrmw", 2), key);
	assert_int_equal(cut_key_of("alrlbcdefgh", 7), key);
	assert_true(key != key_of("alrlrrmw"));
}

/* Many callers are known by which they are; and a stack without such a function by all. */
static void test_a_cut_keeps_the_rest(void **state)
{
	assert_int_equal(cut_key_of("alrlbcdefghi", 0), key_of("alrlbcdefghi"));
	assert_int_equal(cut_key_of("alrmwxyz", 0), key_of("alrmwxyz"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_place_counts),
		cmocka_unit_test(test_depths_are_one_site),
		cmocka_unit_test(test_a_cut_leaves_callers_out),
		cmocka_unit_test(test_a_cut_keeps_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
