/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one escape of foreign strings. Everything that a watched process controls (names, paths,
 * symbols) passes here once, on its way into the model; each format then only applies its own
 * quoting. The result is valid, printable UTF-8 that cannot drive a terminal or end a line.
 */
#pragma once

#include <stddef.h>

/*
 * Escape len bytes of src into dst, of size bytes, always terminated; returns the length written.
 * Invalid UTF-8, C0, DEL, C1 and bidi controls become \xNN a byte, a backslash doubles. What does
 * not fit is cut at a whole character or escape.
 */
size_t escape_bytes(char *dst, size_t size, const char *src, size_t len);

/* The same for a string, newly allocated; the caller frees. NULL when out of memory. */
char *escape_strdup(const char *src);
