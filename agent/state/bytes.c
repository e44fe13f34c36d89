// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "agent/state/bytes.h"

void bytes_free(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){ 0 };
}

uint8_t *bytes_room(struct bytes *b, size_t size)
{
	size_t wanted = b->n + size;
	uint8_t *grown;

	if (wanted <= b->max)
		return b->data + b->n;
	wanted += wanted / 2 + 256;
	grown = realloc(b->data, wanted);
	if (!grown) {
		b->failed = true;
		return NULL;
	}
	b->data = grown;
	b->max = wanted;
	return b->data + b->n;
}

void bytes_put(struct bytes *b, const void *src, size_t size)
{
	uint8_t *at = bytes_room(b, size);

	if (!at)
		return;
	memcpy(at, src, size);
	b->n += size;
}

void bytes_put_byte(struct bytes *b, uint8_t byte)
{
	bytes_put(b, &byte, 1);
}

void bytes_put_count(struct bytes *b, uint64_t count)
{
	for (; count >= 0x80; count >>= 7)
		bytes_put_byte(b, (uint8_t)(count | 0x80));
	bytes_put_byte(b, (uint8_t)count);
}

const uint8_t *cursor_skip(struct cursor *c, uint64_t size)
{
	const uint8_t *at = c->at;

	if (size > (uint64_t)(c->end - c->at)) {
		c->at = c->end;
		c->bad = true;
		return NULL;
	}
	c->at += size;
	return at;
}

void cursor_get(struct cursor *c, void *dst, size_t size)
{
	const uint8_t *at = cursor_skip(c, size);

	if (at)
		memcpy(dst, at, size);
	else
		memset(dst, 0, size);
}

uint8_t cursor_get_byte(struct cursor *c)
{
	uint8_t byte;

	cursor_get(c, &byte, 1);
	return byte;
}

uint64_t cursor_get_count(struct cursor *c)
{
	uint64_t count = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint8_t byte = cursor_get_byte(c);

		count |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return count;
	}
	c->bad = true;
	return 0;
}

uint32_t bytes_crc(uint32_t crc, const void *data, size_t size)
{
	return (uint32_t)crc32_z(crc, data, size);
}
