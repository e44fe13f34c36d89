// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/sites/probe_point.h"

#define POINT(...) probe_point((const uint8_t[32]){ __VA_ARGS__ }, 32)

static void test_first(void **state)
{
	assert_int_equal(POINT(0x41, 0x54, 0x55), 0); /* push %r12: malloc */
	assert_int_equal(POINT(0x55), 0);	      /* push %rbp */
	assert_int_equal(POINT(0xe9, 1, 2, 3, 4), 0); /* jmp: an alias */
}

static void test_passed_over(void **state)
{
	/* test %rdi,%rdi; je: free */
	assert_int_equal(POINT(0x48, 0x85, 0xff, 0x0f, 0x84, 1, 2, 3, 4), 3);
	/* endbr64; test %rdi,%rdi; je */
	assert_int_equal(POINT(0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x85, 0xff, 0x74, 5), 7);
	/* cmpb $0,x(%rip); push %r12: posix_memalign */
	assert_int_equal(POINT(0x80, 0x3d, 1, 2, 3, 4, 0, 0x41, 0x54), 7);
}

static void test_none(void **state)
{
	/* mov %rsi,%rax: may be passed over by nobody who reads arguments in its registers */
	assert_int_equal(POINT(0x48, 0x89, 0xf0, 0x55), -ENODATA);
	/* sub $8,%rsp moves the return address */
	assert_int_equal(POINT(0x48, 0x83, 0xec, 0x08, 0x55), -ENODATA);
	/* test %edi,(%rdi) touches memory */
	assert_int_equal(POINT(0x48, 0x85, 0x3f, 0x55), -ENODATA);
	/* pop %rdi is no push */
	assert_int_equal(POINT(0x5f), -ENODATA);
	/* endbr64 without end */
	assert_int_equal(POINT(0xf3, 0x0f, 0x1e, 0xfa, 0xf3, 0x0f, 0x1e, 0xfa, 0xf3, 0x0f, 0x1e,
			       0xfa, 0xf3, 0x0f, 0x1e, 0xfa, 0x55),
			 -ENODATA);
}

/* The code ends with the file. */
static void test_end(void **state)
{
	static const uint8_t code[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0, 0, 0, 0 };

	for (size_t size = 0; size < sizeof(code); size++)
		assert_int_equal(probe_point(code, size), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_passed_over),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
