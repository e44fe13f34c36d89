// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/model/escape.h"

static void expect(const char *in, size_t len, const char *out)
{
	char got[256];

	assert_int_equal(escape_bytes(got, sizeof(got), in, len), strlen(out));
	assert_string_equal(got, out);
}

#define EXPECT(in, out) expect(in, sizeof(in) - 1, out)

static void plain_text_stays(void **state)
{
	EXPECT("nginx: worker", "nginx: worker");
	EXPECT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9b", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9b");
}

static void controls_are_shown(void **state)
{
	EXPECT("a\nb", "a\\x0ab");
	EXPECT("\x1b[31m", "\\x1b[31m");
	EXPECT("\x7f", "\\x7f");
	EXPECT("\0", "\\x00");
	EXPECT("\xc2\x9b"
	       "31m",
	       "\\xc2\\x9b31m"); /* C1: CSI */
	EXPECT("\xe2\x80\xae"
	       "txt",
	       "\\xe2\\x80\\xaetxt");		   /* right-to-left override */
	EXPECT("\xe2\x81\xa6", "\\xe2\\x81\\xa6"); /* left-to-right isolate */
	EXPECT("\xe2\x80\xa8", "\\xe2\\x80\\xa8"); /* line separator */
}

static void backslash_doubles(void **state)
{
	EXPECT("C:\\x", "C:\\\\x");
}

static void invalid_utf8_is_shown(void **state)
{
	EXPECT("\xff\xfe", "\\xff\\xfe");
	EXPECT("\xc3", "\\xc3");			    /* cut short */
	EXPECT("\xc0\xaf", "\\xc0\\xaf");		    /* overlong */
	EXPECT("\xed\xa0\x80", "\\xed\\xa0\\x80");	    /* surrogate */
	EXPECT("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond U+10FFFF */
	EXPECT("\x80", "\\x80");
}

/* Whatever does not fit is cut at a whole piece: never half an escape, never half a character. */
static void cut_at_whole_pieces(void **state)
{
	char dst[8];

	assert_int_equal(escape_bytes(dst, 4, "\n", 1), 0);
	assert_int_equal(escape_bytes(dst, 5, "\n", 1), 4);
	assert_int_equal(escape_bytes(dst, 3, "a\xe2\x82\xac", 4), 1);
	assert_string_equal(dst, "a");
}

/* Every byte pair gives text that is printable and that a second pass leaves readable. */
static void no_pair_of_bytes_slips_through(void **state)
{
	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			char in[2] = { (char)a, (char)b }, out[16];
			size_t n = escape_bytes(out, sizeof(out), in, 2);

			assert_true(n <= 8 && n == strlen(out));
			for (size_t i = 0; i < n; i++)
				assert_true((unsigned char)out[i] >= 0x20 &&
					    (unsigned char)out[i] != 0x7f);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_stays),
		cmocka_unit_test(controls_are_shown),
		cmocka_unit_test(backslash_doubles),
		cmocka_unit_test(invalid_utf8_is_shown),
		cmocka_unit_test(cut_at_whole_pieces),
		cmocka_unit_test(no_pair_of_bytes_slips_through),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
