// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/model/escape.h"

/*
 * Length of the well-formed UTF-8 sequence at s (RFC 3629: no overlong form, no surrogate, at most
 * U+10FFFF), or 0; *ret_rune is its code point.
 */
static size_t utf8_sequence(const unsigned char *s, size_t len, uint32_t *ret_rune)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80	     ? 1
		   : s[0] >> 5 == 6  ? 2
		   : s[0] >> 4 == 14 ? 3
		   : s[0] >> 3 == 30 ? 4
				     : 0;
	uint32_t rune = n == 1 ? s[0] : s[0] & (0x7fu >> n);

	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		rune = rune << 6 | (s[i] & 0x3f);
	}
	if (rune < lowest[n] || rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff))
		return 0;
	*ret_rune = rune;
	return n;
}

/* Controls that act on a terminal, a line or the direction of the text (Unicode TR 9, TR 36). */
static bool is_control(uint32_t r)
{
	return r < 0x20 || (r >= 0x7f && r < 0xa0) || r == 0x061c || (r >= 0x200e && r <= 0x200f) ||
	       (r >= 0x2028 && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069);
}

static size_t escape_hex(char *dst, const unsigned char *src, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*dst++ = '\\';
		*dst++ = 'x';
		*dst++ = digits[src[i] >> 4];
		*dst++ = digits[src[i] & 15];
	}
	return 4 * n;
}

size_t escape_bytes(char *dst, size_t size, const char *src, size_t len)
{
	const unsigned char *s = (const unsigned char *)src;
	size_t out = 0;

	if (size == 0)
		return 0;
	for (size_t i = 0, n; i < len; i += n) {
		char piece[16];
		size_t piece_len;
		uint32_t rune = 0;

		n = utf8_sequence(s + i, len - i, &rune);
		if (n == 0 || is_control(rune)) {
			n = n ? n : 1;
			piece_len = escape_hex(piece, s + i, n);
		} else if (rune == '\\') {
			memcpy(piece, "\\\\", piece_len = 2);
		} else {
			memcpy(piece, s + i, piece_len = n);
		}
		if (out + piece_len >= size)
			break;
		memcpy(dst + out, piece, piece_len);
		out += piece_len;
	}
	dst[out] = '\0';
	return out;
}

char *escape_strdup(const char *src)
{
	size_t len = strlen(src);
	char *dst = malloc(4 * len + 1);

	if (dst)
		escape_bytes(dst, 4 * len + 1, src, len);
	return dst;
}
