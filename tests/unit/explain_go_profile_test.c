// SPDX-License-Identifier: GPL-2.0-only
/* What readings of a heap profile say of a site. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/explain/go/profile.h"

#define RATE  (512ull << 10)
#define LOOKS 10
#define SITES 8

/* Objects of one size that is always followed; numbers at each look. */
struct shape {
	uint64_t taken[LOOKS], freed[LOOKS];
};

static struct go_profile reading;

static void read_shapes(const struct shape *shapes, uint32_t n, unsigned int look)
{
	reading = (struct go_profile){ .n = n, .sites = n, .rate = RATE, .cycles = look + 1 };
	for (uint32_t i = 0; i < n; i++) {
		uint64_t taken = shapes[i].taken[look], freed = shapes[i].freed[look];

		reading.rows[i] = (struct go_profile_site){ .taken = taken,
							    .freed = freed,
							    .objects = taken,
							    .bytes = taken * RATE,
							    .live = taken - freed,
							    .live_bytes = (taken - freed) * RATE,
							    .n = 1,
							    .pcs = { i + 1 } };
		reading.live_bytes += reading.rows[i].live_bytes;
	}
	reading.marked = reading.live_bytes + (1 << 20);
}

static void judge(const struct shape *shapes, uint32_t n, struct goprofile_judgement *ret)
{
	struct goprofile p = { 0 };

	for (unsigned int look = 0; look < LOOKS; look++) {
		read_shapes(shapes, n, look);
		assert_int_equal(goprofile_add(&p, &reading, 2.0 * look), 0);
	}
	assert_int_equal(p.n, n);
	goprofile_judge(&p, ret);
	goprofile_clear(&p);
}

static void fill(struct shape *s, uint64_t taken, uint64_t freed, uint64_t come, uint64_t go)
{
	for (unsigned int i = 0; i < LOOKS; i++) {
		s->taken[i] = taken + i * come;
		s->freed[i] = freed + i * go;
	}
}

static void test_who_keeps(void **state)
{
	struct goprofile_judgement j[SITES];
	struct shape shapes[SITES] = { 0 };

	fill(&shapes[0], 0, 0, 3, 0);	     /* keeps all */
	fill(&shapes[1], 64, 0, 0, 0);	     /* a table from the start */
	fill(&shapes[2], 1000, 990, 50, 50); /* a cache that is full */
	fill(&shapes[3], 500, 450, 40, 20);  /* gives some of it back, and keeps */
	judge(shapes, 4, j);
	assert_int_equal(j[0].verdict, SITE_KEEPS);
	assert_int_equal(j[1].verdict, SITE_UNDECIDED);
	assert_int_equal(j[2].verdict, SITE_RETURNS);
	assert_int_equal(j[3].verdict, SITE_KEEPS);
	assert_true(j[0].grown == 27.0 * RATE);
	assert_true(j[0].growth_bytes_per_hour == 27.0 * RATE * 200);
	assert_true(j[0].growth_per_hour == 27.0 * 200);
}

/* Five come and none went, which of a site that gives back would be chance. */
static void test_a_slow_one_by_its_history(void **state)
{
	struct goprofile_judgement j[2];
	struct shape shapes[2] = { 0 };

	for (unsigned int i = 0; i < LOOKS; i++) {
		shapes[0].taken[i] = 40 + i * 6 / 9;
		shapes[1].taken[i] = 400 + i * 6 / 9;
		shapes[1].freed[i] = 360;
	}
	judge(shapes, 2, j);
	assert_int_equal(j[0].verdict, SITE_KEEPS);
	assert_int_equal(j[1].verdict, SITE_UNDECIDED);
}

/* It came in the first half, and no more since. */
static void test_a_warm_up_is_none(void **state)
{
	struct goprofile_judgement j[1];
	struct shape s = { 0 };

	for (unsigned int i = 0; i < LOOKS; i++)
		s.taken[i] = i < 4 ? 10 * i : 40;
	judge(&s, 1, j);
	assert_int_equal(j[0].verdict, SITE_UNDECIDED);
}

static void test_a_wave_is_none(void **state)
{
	struct goprofile_judgement j[1];
	struct shape s = { 0 };

	for (unsigned int i = 0; i < LOOKS; i++) {
		s.taken[i] = 100 + 20 * i;
		s.freed[i] = 20 * i + (i % 3 == 2 ? 0 : 60);
	}
	judge(&s, 1, j);
	assert_int_not_equal(j[0].verdict, SITE_KEEPS);
}

/* Readings of one cycle are one. */
static void test_without_collections_nothing_is_said(void **state)
{
	struct goprofile_judgement j[1];
	struct goprofile p = { 0 };
	struct shape s = { 0 };

	fill(&s, 0, 0, 10, 0);
	for (unsigned int look = 0; look < LOOKS; look++) {
		read_shapes(&s, 1, look);
		reading.cycles = 5;
		assert_int_equal(goprofile_add(&p, &reading, look), 0);
	}
	assert_int_equal(p.looks, 1);
	goprofile_judge(&p, j);
	assert_int_equal(j[0].verdict, SITE_UNDECIDED);
	assert_true(j[0].growth_bytes_per_hour != j[0].growth_bytes_per_hour);
	goprofile_clear(&p);
}

/* The collector found no more alive than before. */
static void test_the_heap_must_grow_too(void **state)
{
	struct goprofile_judgement j[1];
	struct goprofile p = { 0 };
	struct shape s = { 0 };

	fill(&s, 0, 0, 10, 0);
	for (unsigned int look = 0; look < LOOKS; look++) {
		read_shapes(&s, 1, look);
		reading.marked = 200 << 20;
		assert_int_equal(goprofile_add(&p, &reading, look), 0);
	}
	goprofile_judge(&p, j);
	assert_int_equal(j[0].verdict, SITE_UNDECIDED);
	goprofile_clear(&p);
}

/* Which may have been there before. */
static void test_who_was_left_out_is_not_judged(void **state)
{
	struct goprofile_judgement j[2];
	struct goprofile p = { 0 };
	struct shape shapes[2] = { 0 };

	fill(&shapes[0], 100, 0, 0, 0);
	fill(&shapes[1], 50, 0, 10, 0);
	for (unsigned int look = 0; look < LOOKS; look++) {
		read_shapes(shapes, look < 2 ? 1 : 2, look);
		reading.sites = 2;
		assert_int_equal(goprofile_add(&p, &reading, look), 0);
	}
	goprofile_judge(&p, j);
	assert_int_equal(j[1].verdict, SITE_UNDECIDED);
	goprofile_clear(&p);
}

static void test_looks_have_an_end(void **state)
{
	struct goprofile p = { 0 };
	struct shape s = { 0 };

	fill(&s, 0, 0, 10, 0);
	for (unsigned int look = 0; look < 3 * GOPROFILE_LOOKS; look++) {
		read_shapes(&s, 1, look % LOOKS);
		reading.cycles = look + 1;
		assert_int_equal(goprofile_add(&p, &reading, look), 0);
	}
	assert_int_equal(p.looks, GOPROFILE_LOOKS);
	goprofile_clear(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_keeps),
		cmocka_unit_test(test_a_slow_one_by_its_history),
		cmocka_unit_test(test_a_warm_up_is_none),
		cmocka_unit_test(test_a_wave_is_none),
		cmocka_unit_test(test_without_collections_nothing_is_said),
		cmocka_unit_test(test_the_heap_must_grow_too),
		cmocka_unit_test(test_who_was_left_out_is_not_judged),
		cmocka_unit_test(test_looks_have_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
