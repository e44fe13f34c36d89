/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text that grows at its end. A failed allocation is remembered and makes every later call do
 * nothing, so that a renderer checks once, when it takes the text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buffer {
	char *data;
	size_t len, size;
	bool failed;
};

/* Room for len more bytes and a zero after them; false when there is none. */
bool buffer_reserve(struct buffer *b, size_t len);

/* Inline, since a scrape is a million small pieces. */
static inline void buffer_add(struct buffer *b, const char *bytes, size_t len)
{
	if (len >= b->size - b->len && !buffer_reserve(b, len))
		return;
	memcpy(b->data + b->len, bytes, len);
	b->len += len;
}

static inline void buffer_add_string(struct buffer *b, const char *s)
{
	buffer_add(b, s, strlen(s));
}

void buffer_add_int(struct buffer *b, int64_t value);
void buffer_printf(struct buffer *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Empty it for another text, in the same memory. */
static inline void buffer_reset(struct buffer *b)
{
	b->len = 0;
	b->failed = false;
}

/* Hand the text over, with a zero byte after its end; the caller frees. -ENOMEM if any call failed.
 */
int buffer_take(struct buffer *b, char **ret, size_t *ret_len);
/* Accepts a buffer that was taken. */
void buffer_done(struct buffer *b);
