// SPDX-License-Identifier: GPL-2.0-only
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>

#include "agent/top/cell.h"

#define LONGEST 4 /* bytes of a character */

bool cell_setup(void)
{
	/* Numbers keep the C locale: scripts read them. */
	if (setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
		return true;
	setlocale(LC_CTYPE, "C.UTF-8");
	return false;
}

/* Bytes of the character at the text, at least 1; *ret_width is its columns. */
static size_t character(const char *text, size_t *ret_width)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t n = mbrtowc(&c, text, LONGEST, &state);
	int width;

	if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
		*ret_width = 1;
		return 1;
	}
	width = wcwidth(c);
	*ret_width = width < 0 ? 1 : (size_t)width;
	return n;
}

size_t cell_width(const char *text)
{
	size_t total = 0, width;

	while (*text) {
		text += character(text, &width);
		total += width;
	}
	return total;
}

static size_t fill(char *dst, size_t n)
{
	memset(dst, ' ', n);
	return n;
}

size_t cell_fit(char *dst, const char *text, size_t width, bool right)
{
	size_t whole = cell_width(text), out = 0, at = 0, len = strlen(text);
	bool cut = whole > width;

	if (!cut && right)
		out += fill(dst, width - whole);
	for (size_t n, w; *text && width; text += n, at += w) {
		n = character(text, &w);
		if (at + w > width - cut)
			break;
		/* A run of characters without width must not run out of dst. */
		if (out + n + (width - at) > 4 * width || n > len)
			break;
		memcpy(dst + out, text, n);
		out += n;
	}
	if (cut && width) {
		dst[out++] = '~';
		at++;
	}
	if ((cut || !right) && at < width)
		out += fill(dst + out, width - at);
	dst[out] = '\0';
	return out;
}

size_t cell_wrap(const char *text, size_t width)
{
	size_t at = 0, bytes = 0, blank = 0;

	for (size_t n, w; text[bytes]; bytes += n, at += w) {
		n = character(text + bytes, &w);
		if (at + w > width)
			return blank ? blank : bytes ? bytes : n;
		if (text[bytes] == ' ')
			blank = bytes;
	}
	return bytes;
}

void cell_ascii(char *text)
{
	char *to = text;

	for (const char *c = text; *c; c++) {
		if ((*c & 0xc0) == 0x80)
			continue; /* the rest of a character */
		*to++ = *c & 0x80 ? '?' : *c;
	}
	*to = '\0';
}

void cell_bar(char *dst, double share, size_t width)
{
	size_t full = share >= 1 ? width : share > 0 ? (size_t)(share * (double)width + 0.5) : 0;

	memset(dst, '|', full);
	memset(dst + full, '.', width - full);
	dst[width] = '\0';
}
