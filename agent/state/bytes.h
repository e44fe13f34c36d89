/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes of a file of ours: written one after the other into memory that grows, read within bounds.
 * Numbers are of this machine's order; counts are LEB128 (seven bits a byte, the lowest first).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	uint8_t *data;
	size_t n, max;
	bool failed; /* out of memory: what was put since is not there */
};

void bytes_free(struct bytes *b);
/* Room for size more, to be counted into n by who fills it; NULL when out of memory. */
uint8_t *bytes_room(struct bytes *b, size_t size);
void bytes_put(struct bytes *b, const void *src, size_t size);
void bytes_put_byte(struct bytes *b, uint8_t byte);
void bytes_put_count(struct bytes *b, uint64_t count);

/* What was read beyond the end is zero, and bad stays set. */
struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

void cursor_get(struct cursor *c, void *dst, size_t size);
uint8_t cursor_get_byte(struct cursor *c);
uint64_t cursor_get_count(struct cursor *c);
/* The next size bytes, or NULL. */
const uint8_t *cursor_skip(struct cursor *c, uint64_t size);

uint32_t bytes_crc(uint32_t crc, const void *data, size_t size); /* zlib's CRC-32; 0 begins */
