// SPDX-License-Identifier: GPL-2.0-only
/* By which word of a connection its uses are told apart. Offsets are of the libraries' sources:
 * net/http.persistConn got one more channel in Go 1.26. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/runtime/go/layout.h"

static uint32_t stamp(uint32_t minor, enum go_births births)
{
	struct go_layout l;

	go_layout_of(minor, &l);
	return go_layout_stamp(&l, births);
}

static void test_stamps(void **state)
{
	assert_int_equal(stamp(19, GO_BIRTHS_QUERIES), 80);
	assert_int_equal(stamp(27, GO_BIRTHS_QUERIES), 80);
	assert_int_equal(stamp(19, GO_BIRTHS_REQUESTS), 184);
	assert_int_equal(stamp(25, GO_BIRTHS_REQUESTS), 184);
	assert_int_equal(stamp(26, GO_BIRTHS_REQUESTS), 192);
	assert_int_equal(stamp(27, GO_BIRTHS_HEAP), 0);
}

/* A field may have come before it. */
static void test_no_stamp_of_an_unknown_version(void **state)
{
	assert_int_equal(stamp(28, GO_BIRTHS_REQUESTS), 0);
	assert_int_equal(stamp(0, GO_BIRTHS_REQUESTS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stamps),
		cmocka_unit_test(test_no_stamp_of_an_unknown_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
