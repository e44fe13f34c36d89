// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/top/cell.h"

static void assert_fit(const char *text, size_t width, bool right, const char *want)
{
	char dst[256];

	assert_int_equal(cell_fit(dst, text, width, right), strlen(want));
	assert_string_equal(dst, want);
}

static void test_width(void **state)
{
	assert_int_equal(cell_width(""), 0);
	assert_int_equal(cell_width("nginx"), 5);
	assert_int_equal(cell_width("müller"), 6);
	assert_int_equal(cell_width("日本"), 4);
	assert_int_equal(cell_width("e\xcc\x81"), 1); /* a combining accent */
}

static void test_fit(void **state)
{
	assert_fit("ab", 4, false, "ab  ");
	assert_fit("ab", 4, true, "  ab");
	assert_fit("abcdef", 4, false, "abc~");
	assert_fit("abcdef", 4, true, "abc~");
	assert_fit("日本", 4, false, "日本");
	assert_fit("日本語", 5, false, "日本~");
	assert_fit("日本語", 4, false, "日~ "); /* a half would not do */
	assert_fit("abc", 0, false, "");
}

/* A name of nothing but accents has no width and could be long. */
static void test_fit_is_bounded(void **state)
{
	char text[512], dst[4 * 5 + 1];

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = i % 2 ? '\x81' : '\xcc';
	text[sizeof(text) - 1] = '\0';
	assert_true(cell_fit(dst, text, 5, false) < sizeof(dst));
}

static void test_wrap(void **state)
{
	assert_int_equal(cell_wrap("one two three", 8), 7);
	assert_int_equal(cell_wrap("one two", 80), 7);
	assert_int_equal(cell_wrap("onetwothree", 4), 4);
	assert_int_equal(cell_wrap("日本", 1), 3); /* at least something */
}

static void test_ascii(void **state)
{
	char text[] = "a日b\xc3\xbc";

	cell_ascii(text);
	assert_string_equal(text, "a?b?");
}

static void test_bar(void **state)
{
	char bar[9];

	cell_bar(bar, 0.5, 8);
	assert_string_equal(bar, "||||....");
	cell_bar(bar, 7, 8);
	assert_string_equal(bar, "||||||||");
	cell_bar(bar, 0, 8);
	assert_string_equal(bar, "........");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_width),	       cmocka_unit_test(test_fit),
		cmocka_unit_test(test_fit_is_bounded), cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_ascii),	       cmocka_unit_test(test_bar),
	};

	cell_setup();
	return cmocka_run_group_tests_name("top, cells", tests, NULL, NULL);
}
