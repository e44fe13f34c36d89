// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/explain/gochurn.h"

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

static const struct gochurn busy = {
	.seconds = 10, .allocated = 400 * MIB, .seen = 100, .cycles = 60, .heap = 4 * MIB
};

static void test_one_function_keeps_the_collector_busy(void **state)
{
	assert_true(marks(&busy, SITE_RETURNS));
}

static void test_calm(void **state)
{
	struct gochurn c = busy;

	c.cycles = 5;
	assert_false(marks(&c, SITE_RETURNS));
	c = busy;
	c.allocated = 20 * MIB;
	assert_false(marks(&c, SITE_RETURNS));
}

/* What grows is another mistake. */
static void test_growing(void **state)
{
	struct gochurn c = busy;

	c.grown = 2 * MIB;
	assert_false(marks(&c, SITE_RETURNS));
	assert_false(marks(&busy, SITE_KEEPS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_function_keeps_the_collector_busy),
		cmocka_unit_test(test_calm),
		cmocka_unit_test(test_growing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
