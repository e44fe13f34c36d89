// SPDX-License-Identifier: GPL-2.0-only
/* Whose a mapping is in a Go program, by the stack of the call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/explain/acquire/findings.h"

#define LIBC "/lib/libc.so.6"
#define SHOP "/shop"

struct called {
	char *function, *module;
};

static bool is_heap(const struct called *called, size_t n)
{
	struct site_frame frames[8] = { 0 };

	assert_true(n <= ARRAY_SIZE(frames));
	for (size_t i = 0; i < n; i++)
		frames[i] = (struct site_frame){ .function = called[i].function,
						 .module = called[i].module };
	return acquire_maps_go_heap(frames, n);
}

#define IS_HEAP(...)                                                                               \
	is_heap((const struct called[]){ __VA_ARGS__ },                                            \
		sizeof((const struct called[]){ __VA_ARGS__ }) / sizeof(struct called))

static void test_the_runtime_maps_its_heap(void **state)
{
	assert_true(IS_HEAP({ "runtime.mmap", SHOP }, { "runtime.sysMap", SHOP }));
	assert_true(IS_HEAP({ "mmap", LIBC }, { "runtime.mmap", SHOP }));
	assert_false(IS_HEAP({ "internal/runtime/syscall.Syscall6", SHOP },
			     { "syscall.mmap", SHOP }, { "main.load", SHOP }));
	assert_false(IS_HEAP({ "", SHOP }));
}

/* The runtime's C function may have no name, and a word may be in between that is no address. */
static void test_through_the_c_library(void **state)
{
	assert_true(IS_HEAP({ "mmap", LIBC }, { "x_cgo_mmap", SHOP },
			    { "runtime.callCgoMmap", SHOP }, { "runtime.mmap.func1", SHOP }));
	assert_true(IS_HEAP({ "mmap", LIBC }, { "", SHOP }, { "runtime.callCgoMmap", SHOP },
			    { "", "" }, { "runtime.mmap.func1", SHOP }));
}

static void test_c_code_maps_what_is_its_own(void **state)
{
	assert_false(IS_HEAP({ "mmap", LIBC }, { "open_store", SHOP },
			     { "runtime.asmcgocall", SHOP }, { "main.open", SHOP }));
	assert_false(IS_HEAP({ "mmap", LIBC }, { "", SHOP }, { "runtime.asmcgocall", SHOP },
			     { "main.open", SHOP }));
	assert_false(IS_HEAP({ "mmap", LIBC }, { "x_cgo_mmap", SHOP }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_runtime_maps_its_heap),
		cmocka_unit_test(test_through_the_c_library),
		cmocka_unit_test(test_c_code_maps_what_is_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
