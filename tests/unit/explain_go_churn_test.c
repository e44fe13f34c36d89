// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/explain/go/churn.h"

#define MIB (1024.0 * 1024)

static struct site_frame frames[] = { { .function = "runtime.makeslice", .module = "" },
				      { .function = "main.copy", .module = "" },
				      { .function = "main.serve", .module = "" } };

/* Two sites of main.copy with three quarters of the bytes, one of main.serve with the rest. */
static bool marks(const struct gochurn *c, enum site_verdict verdict)
{
	struct finding f[3] = {
		{ .resource = "goheap", .verdict = verdict, .frames = frames, .n_frames = 2 },
		{ .resource = "goheap", .verdict = verdict, .frames = frames + 1, .n_frames = 1 },
		{ .resource = "goheap", .verdict = verdict, .frames = frames + 2, .n_frames = 1 },
	};
	const uint64_t bytes[] = { 40, 35, 25 };

	gochurn_mark(c, f, bytes, 3);
	assert_null(f[2].pattern);
	assert_ptr_equal(f[0].pattern, f[1].pattern);
	return f[0].pattern != NULL;
}

static const struct gochurn busy = { .seconds = 10,
				     .cpu = 2,
				     .share = 0.4,
				     .allocated = 400 * MIB,
				     .seen = 100,
				     .cycles = 60,
				     .heap = 4 * MIB };

static void test_one_function_keeps_the_collector_busy(void **state)
{
	assert_true(marks(&busy, SITE_RETURNS));
}

/* Few collections; a collector that costs little; work that takes more than its allocations do. */
static void test_calm(void **state)
{
	struct gochurn c = busy;

	c.cycles = 5;
	assert_false(marks(&c, SITE_RETURNS));
	c = busy;
	c.share = 0.01;
	assert_false(marks(&c, SITE_RETURNS));
	c = busy;
	c.cpu = 10;
	assert_false(marks(&c, SITE_RETURNS));
}

/* A small heap is collected often, and for next to nothing. */
static void test_cheap(void **state)
{
	struct gochurn c = busy;

	c.cpu = 0.07;
	c.allocated = 40 * MIB;
	assert_false(marks(&c, SITE_RETURNS));
	c.share = NAN;
	assert_true(marks(&c, SITE_RETURNS));
}

/* What the library allocates for a function is no line of its own. */
static void test_library(void **state)
{
	struct site_frame library[] = { { .function = "runtime.makeslice", .module = "" },
					{ .function = "io.ReadAll", .module = "" },
					{ .function = "main.serve", .module = "" } };
	struct finding f = { .resource = "goheap", .frames = library, .n_frames = 3 };
	const uint64_t bytes[] = { 100 };

	gochurn_mark(&busy, &f, bytes, 1);
	assert_null(f.pattern);
}

/* The same work takes longer on a host that is busy, and as much CPU time. */
static void test_busy_host(void **state)
{
	struct gochurn c = busy;

	c.seconds = 50;
	c.share = 1;
	assert_true(marks(&c, SITE_RETURNS));
	c.share = NAN;
	assert_true(marks(&c, SITE_RETURNS));
	c.cpu = NAN; /* nothing is known */
	assert_false(marks(&c, SITE_RETURNS));
}

/* What grows is another mistake; what swings by half of a small heap does not grow. */
static void test_growing(void **state)
{
	struct gochurn c = busy;

	c.grown = 2 * MIB;
	assert_true(marks(&c, SITE_RETURNS));
	c.grown = 40 * MIB;
	assert_false(marks(&c, SITE_RETURNS));
	assert_false(marks(&busy, SITE_KEEPS));
}

static void test_words(void **state)
{
	struct finding f = { .resource = "goheap", .frames = frames, .n_frames = 2 };
	const uint64_t bytes[] = { 75 };

	gochurn_mark(&busy, &f, bytes, 1);
	assert_string_equal(f.evidence,
			    "30.0 MiB a second, 75 % of all that is allocated, 4.0 MiB alive, "
			    "360 collections a minute take up to 40 % of its CPU time");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_function_keeps_the_collector_busy),
		cmocka_unit_test(test_calm),
		cmocka_unit_test(test_cheap),
		cmocka_unit_test(test_library),
		cmocka_unit_test(test_busy_host),
		cmocka_unit_test(test_growing),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
