// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "exporters/buffer.h"

#define BUFFER_FIRST 4096

bool buffer_reserve(struct buffer *b, size_t len)
{
	size_t size = b->size ? b->size : BUFFER_FIRST;
	char *data;

	if (b->failed)
		return false;
	if (len < b->size - b->len)
		return true;
	while (size - b->len <= len)
		size *= 2;
	data = realloc(b->data, size);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->size = size;
	return true;
}

void buffer_add_int(struct buffer *b, int64_t value)
{
	char digits[24];
	char *p = digits + sizeof(digits);
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do
		*--p = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*--p = '-';
	buffer_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

void buffer_printf(struct buffer *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !buffer_reserve(b, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

int buffer_take(struct buffer *b, char **ret, size_t *ret_len)
{
	if (!buffer_reserve(b, 0))
		return -ENOMEM;
	b->data[b->len] = '\0';
	*ret = b->data;
	*ret_len = b->len;
	*b = (struct buffer){ 0 };
	return 0;
}

void buffer_done(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){ 0 };
}
