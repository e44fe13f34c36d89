// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/model/finding.h"

static struct site_frame frames[] = {
	{ .function = "strdup", .module = "/usr/lib/x86_64-linux-gnu/libc.so.6" },
	{ .function = "zmalloc", .module = "/usr/bin/redis-server" },
	{ .function = "operator new(unsigned long)", .module = "/opt/liballoc.so" },
	{ .function = "createObject", .module = "/usr/bin/redis-server" },
	{ .function = "main", .module = "/usr/bin/redis-server" },
};

/* Who calls the wrapper of an allocator is meant, for the heap; elsewhere the word means nothing.
 */
static void test_frame(void **state)
{
	struct finding f = { .resource = "heap", .frames = frames, .n_frames = 5 };

	assert_ptr_equal(finding_frame(&f), &frames[3]);
	f.resource = "fd";
	assert_ptr_equal(finding_frame(&f), &frames[1]);
}

/* A stack of wrappers alone, of the C library alone, and none. */
static void test_no_better(void **state)
{
	struct finding f = { .resource = "heap", .frames = frames, .n_frames = 2 };

	assert_ptr_equal(finding_frame(&f), &frames[1]);
	f.n_frames = 1;
	assert_ptr_equal(finding_frame(&f), &frames[0]);
	f.n_frames = 0;
	assert_null(finding_frame(&f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame),
		cmocka_unit_test(test_no_better),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
