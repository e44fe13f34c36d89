// SPDX-License-Identifier: GPL-2.0-only
/* The heap profile of a program that does not exist: what it says is told, what lies is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/profile.h"
#include "tests/unit/go_fake.h"

#define TEXT	0x400000ull
#define HEAD	0x500000ull /* mbuckets */
#define RATE	0x500008ull /* MemProfileRate */
#define BUCKETS 0x600000ull
#define STRIDE	512
#define MEMORY	1
#define KIB	1024ull

static uint64_t at(uint64_t i)
{
	return BUCKETS + i * STRIDE;
}

/* The newest stands first. */
static void put_bucket(struct fake *f, uint64_t size, uint64_t depth, uint64_t pc, uint64_t taken,
		       uint64_t freed)
{
	const uint64_t header[] = { 0, f->n ? at(f->n - 1) : 0, MEMORY, 0, size, depth };
	const uint64_t counts[] = { taken, freed, taken * size, freed * size };

	put(f, at(f->n), header, sizeof(header));
	for (uint64_t i = 0; i < depth; i++)
		put_word(f, at(f->n) + sizeof(header) + 8 * i, pc + 16 * i);
	put(f, at(f->n) + sizeof(header) + 8 * depth, counts, sizeof(counts));
	put_word(f, HEAD, at(f->n++));
}

static int set_up(void **state)
{
	struct fake *f = fake_new();
	struct go_process *p = &f->process;

	p->module.table.text = TEXT;
	p->module.table.end = TEXT + 0x10000;
	p->variables = (struct go_variables){ .buckets = HEAD, .profile_rate = RATE };
	put_collector(f, 7, 1 << 20);
	put_word(f, HEAD, 0);
	put_word(f, RATE, 512 * KIB);
	put_word(f, BUCKETS + (1 << 16), 0);
	*state = f;
	return 0;
}

static int ask(struct fake *f, struct go_profile *ret)
{
	static const struct go_profile_request request;
	size_t size = sizeof(*ret);
	int r;

	go_memory_begin(&f->process.memory, &fake_source, FAKE_CPU_NS, FAKE_BYTES);
	r = go_profile_answer(&f->process, &request, sizeof(request), ret, &size);
	return r < 0 ? r : go_profile_check(ret, size);
}

/* One object in so many of a size is followed: 1 - exp(-size / rate) of them. */
static void test_what_is_followed_stands_for_all(void **state)
{
	static struct go_profile p;
	struct fake *f = *state;

	put_bucket(f, 8 * KIB, 3, TEXT + 0x100, 10, 4);
	put_bucket(f, 64 * KIB, 3, TEXT + 0x200, 100, 0);
	assert_int_equal(ask(f, &p), 0);
	assert_int_equal(p.cycles, 7);
	assert_int_equal(p.marked, 1 << 20);
	assert_int_equal(p.rate, 512 * KIB);
	assert_int_equal(p.rate_at, RATE);
	assert_int_equal(p.buckets, 2);
	assert_int_equal(p.n, 2);
	assert_int_equal(p.rows[0].pcs[2], TEXT + 0x220);
	assert_int_equal(p.rows[0].live, 851);
	assert_int_equal(p.rows[0].live_bytes, 55773848);
	assert_int_equal(p.rows[1].taken, 10);
	assert_int_equal(p.rows[1].freed, 4);
	assert_int_equal(p.rows[1].live, 387);
	assert_int_equal(p.live_bytes, p.rows[0].live_bytes + p.rows[1].live_bytes);
}

static void test_sizes_of_a_stack_are_one_site(void **state)
{
	static struct go_profile p;
	struct fake *f = *state;

	put_bucket(f, 8 * KIB, 2, TEXT + 0x100, 10, 4);
	put_bucket(f, 1024 * KIB, 2, TEXT + 0x100, 20, 5);
	assert_int_equal(ask(f, &p), 0);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.rows[0].taken, 30);
	assert_int_equal(p.rows[0].freed, 9);
}

static void test_one_that_is_off_says_so(void **state)
{
	static struct go_profile p;
	struct fake *f = *state;

	put_word(f, RATE, 0);
	put_bucket(f, 8 * KIB, 2, TEXT + 0x100, 10, 4);
	assert_int_equal(ask(f, &p), 0);
	assert_int_equal(p.rate, 0);
	assert_int_equal(p.n, 0);
}

static void test_many_sites_are_cut_to_the_largest(void **state)
{
	static struct go_profile p;
	struct fake *f = *state;

	put_word(f, BUCKETS + STRIDE * 1000, 0);
	for (uint64_t i = 0; i < 1000; i++)
		put_bucket(f, 1024 * KIB, 1, TEXT + i, 1 + i, 0);
	assert_int_equal(ask(f, &p), 0);
	assert_int_equal(p.sites, 1000);
	assert_int_equal(p.n, GO_PROFILE_SITES);
	assert_int_equal(p.rows[0].pcs[0], TEXT + 999);
	assert_int_equal(p.rows[GO_PROFILE_SITES - 1].pcs[0], TEXT + 1000 - GO_PROFILE_SITES);
}

static void test_deep_stacks_are_cut(void **state)
{
	static struct go_profile p;
	struct fake *f = *state;

	put_bucket(f, 1024 * KIB, 40, TEXT, 3, 0);
	assert_int_equal(ask(f, &p), 0);
	assert_int_equal(p.rows[0].n, GO_PROFILE_FRAMES);
	assert_int_equal(p.rows[0].taken, 3);
}

/* Whatever its length. */
static void test_cycles_are_refused(void **state)
{
	static struct go_profile p;
	struct fake *f = *state;

	for (uint64_t i = 0; i < 100; i++)
		put_bucket(f, 8 * KIB, 1, TEXT + i, 2, 1);
	put_word(f, at(0) + 8, at(0));
	assert_int_equal(ask(f, &p), -EPROTO);
	put_word(f, at(0) + 8, at(99));
	assert_int_equal(ask(f, &p), -EPROTO);
	put_word(f, at(0) + 8, at(37));
	assert_int_equal(ask(f, &p), -EPROTO);
	put_word(f, at(0) + 8, 0);
	assert_int_equal(ask(f, &p), 0);
}

static void test_lies_are_refused(void **state)
{
	static struct go_profile p;
	struct fake *f = *state;

	put_bucket(f, 8 * KIB, 2, TEXT + 0x100, 10, 4);
	put_word(f, at(0) + 16, MEMORY + 1);
	assert_int_equal(ask(f, &p), -EPROTO);
	put_word(f, at(0) + 16, MEMORY);
	put_word(f, at(0) + 40, 4096); /* deeper than any stack */
	assert_int_equal(ask(f, &p), -EPROTO);
	put_word(f, at(0) + 40, 2);
	put_word(f, at(0) + 8, at(0) + 3);
	assert_int_equal(ask(f, &p), -EPROTO);
	put_word(f, at(0) + 8, 1ull << 50);
	assert_true(ask(f, &p) < 0);
	put_word(f, at(0) + 8, 0);
	put_word(f, at(0) + 48, 0x1234); /* no code */
	assert_int_equal(ask(f, &p), -EPROTO);
	put_word(f, at(0) + 48, TEXT);
	put_word(f, at(0) + 64 + 8, 11); /* more freed than taken */
	assert_int_equal(ask(f, &p), -EPROTO);
	put_word(f, RATE, 1ull << 60);
	assert_int_equal(ask(f, &p), -EPROTO);
}

/* One is written just now, and the others hold. */
static void test_a_torn_one_is_passed_over(void **state)
{
	static struct go_profile p;
	struct fake *f = *state;

	for (uint64_t i = 0; i < 40; i++)
		put_bucket(f, 8 * KIB, 1, TEXT + i, 2, i == 20 ? 3 : 1);
	assert_int_equal(ask(f, &p), 0);
	assert_int_equal(p.n, 39);
}

static void test_what_is_not_found_is_no_profile(void **state)
{
	static struct go_profile p;
	struct fake *f = *state;

	f->process.variables.profile_rate = 0;
	assert_int_equal(ask(f, &p), -ENODATA);
}

static void test_an_answer_is_checked(void **state)
{
	static struct go_profile p;
	size_t size = offsetof(struct go_profile, rows) + sizeof(p.rows[0]);

	p.n = p.sites = 1;
	p.rows[0] = (struct go_profile_site){ .taken = 2, .freed = 1, .n = 1 };
	assert_int_equal(go_profile_check(&p, size), 0);
	assert_int_equal(go_profile_check(&p, size - 1), -EPIPE);
	p.rows[0].n = GO_PROFILE_FRAMES + 1;
	assert_int_equal(go_profile_check(&p, size), -EPIPE);
	p.rows[0].n = 1;
	p.rows[0].freed = 3;
	assert_int_equal(go_profile_check(&p, size), -EPIPE);
	p.rows[0].freed = 0;
	p.n = GO_PROFILE_SITES + 1;
	assert_int_equal(go_profile_check(&p, sizeof(p)), -EPIPE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fake_free)
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_followed_stands_for_all),
		TEST(test_sizes_of_a_stack_are_one_site),
		TEST(test_one_that_is_off_says_so),
		TEST(test_many_sites_are_cut_to_the_largest),
		TEST(test_deep_stacks_are_cut),
		TEST(test_cycles_are_refused),
		TEST(test_lies_are_refused),
		TEST(test_a_torn_one_is_passed_over),
		TEST(test_what_is_not_found_is_no_profile),
		TEST(test_an_answer_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
