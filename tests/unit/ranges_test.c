// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/probe/ranges.h"

struct gone {
	uint64_t bytes, ranges;
};

static void on_gone(void *context, const struct range *was, uint64_t bytes, int last)
{
	struct gone *g = context;

	g->bytes += bytes;
	g->ranges += last != 0;
}

static void add(struct ranges *r, uint64_t start, uint64_t end, struct gone *g)
{
	struct range range = { .start = start, .end = end, .key = start };

	assert_int_equal(ranges_add(r, &range, on_gone, g), 0);
}

static uint64_t live_bytes(const struct ranges *r)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < r->n; i++) {
		assert_true(r->rows[i].start < r->rows[i].end);
		if (i > 0)
			assert_true(r->rows[i - 1].end <= r->rows[i].start);
		bytes += r->rows[i].end - r->rows[i].start;
	}
	return bytes;
}

static void test_whole(void **state)
{
	struct ranges r = { 0 };
	struct gone g = { 0 };

	add(&r, 0x3000, 0x5000, &g);
	add(&r, 0x1000, 0x2000, &g);
	assert_int_equal(ranges_remove(&r, 0x3000, 0x5000, on_gone, &g), 0);
	assert_int_equal(g.bytes, 0x2000);
	assert_int_equal(g.ranges, 1);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.rows[0].start, 0x1000);
	ranges_clear(&r);
}

/* A hole leaves two pieces of one range; the rest goes in two more steps. */
static void test_hole_and_edges(void **state)
{
	struct ranges r = { 0 };
	struct gone g = { 0 };

	add(&r, 0x1000, 0x9000, &g);
	assert_int_equal(ranges_remove(&r, 0x3000, 0x4000, on_gone, &g), 0);
	assert_int_equal(r.n, 2);
	assert_int_equal(g.ranges, 0);
	assert_int_equal(live_bytes(&r), 0x7000);
	assert_int_equal(r.rows[1].key, 0x1000);
	assert_int_equal(ranges_remove(&r, 0x2000, 0x5000, on_gone, &g), 0);
	assert_int_equal(live_bytes(&r), 0x5000);
	assert_int_equal(g.bytes, 0x3000);
	assert_int_equal(ranges_remove(&r, 0, 0x100000, on_gone, &g), 0);
	assert_int_equal(r.n, 0);
	assert_int_equal(g.bytes, 0x8000);
	ranges_clear(&r);
}

/* MAP_FIXED over several: they are gone. */
static void test_covered(void **state)
{
	struct ranges r = { 0 };
	struct gone g = { 0 };

	for (uint64_t i = 0; i < 200; i++)
		add(&r, i * 0x2000, i * 0x2000 + 0x1000, &g);
	assert_int_equal(r.n, 200);
	add(&r, 0x1800, 0x6800, &g);
	assert_int_equal(g.ranges, 2);
	assert_int_equal(g.bytes, 0x2800);
	assert_int_equal(live_bytes(&r), 200 * 0x1000 - 0x2800 + 0x5000);
	ranges_clear(&r);
}

static void test_unknown(void **state)
{
	struct ranges r = { 0 };
	struct gone g = { 0 };

	assert_int_equal(ranges_remove(&r, 0x1000, 0x2000, on_gone, &g), 0);
	add(&r, 0x1000, 0x2000, &g);
	assert_int_equal(ranges_remove(&r, 0x2000, 0x3000, on_gone, &g), 0);
	assert_int_equal(ranges_remove(&r, 0, 0x1000, on_gone, &g), 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(g.bytes, 0);
	ranges_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_hole_and_edges),
		cmocka_unit_test(test_covered),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
