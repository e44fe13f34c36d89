// SPDX-License-Identifier: GPL-2.0-only
/* How far objects are filled. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/buffers.h"
#include "agent/runtime/go/process.h"

#define CHUNK	   4096u
#define HEAD_BYTES 64
#define SMALL	   32768u /* bytes that an object of a size class can have */
#define LEAST	   256u	  /* bytes of an object of the sample */
#define BITS_BYTES 128	  /* at the end of a span of small objects with pointers (Go 1.22) */

/* What a walk chooses, before it is measured. */
struct choice {
	struct go_buffer largest[GO_BUFFERS_LARGEST], sample[GO_BUFFERS_SAMPLED];
	size_t n_largest, n_sample;
	/* Of the spans that were met, the sample has those with the least keys. */
	uint64_t keys[GO_BUFFERS_SAMPLED];
	size_t last; /* of them the largest key, once there is no more room */
};

static size_t smallest(const struct choice *c)
{
	size_t least = 0;

	for (size_t i = 1; i < c->n_largest; i++)
		if (c->largest[i].bytes < c->largest[least].bytes)
			least = i;
	return least;
}

static void choose_large(struct choice *c, const struct go_span *span)
{
	struct go_buffer fresh = { .address = span->start, .bytes = span->bytes };
	size_t i;

	if (c->n_largest < GO_BUFFERS_LARGEST) {
		c->largest[c->n_largest++] = fresh;
		return;
	}
	i = smallest(c);
	if (c->largest[i].bytes < fresh.bytes)
		c->largest[i] = fresh;
}

/* The object of a span that stands for it, ever the same. */
static struct go_buffer pick(const struct go_span *span, uint64_t hash)
{
	uint64_t bits = span->scanned && span->bytes > BITS_BYTES ? BITS_BYTES : 0;
	uint64_t n = (span->bytes - bits) / span->size;

	return (struct go_buffer){ .address = span->start + (n > 1 ? hash % n * span->size : 0),
				   .bytes = span->size };
}

static void find_last(struct choice *c)
{
	c->last = 0;
	for (size_t i = 1; i < c->n_sample; i++)
		if (c->keys[i] > c->keys[c->last])
			c->last = i;
}

/* A span is as likely to have the least key as it is large. */
static void choose_by_chance(struct choice *c, const struct go_span *span)
{
	uint64_t hash = (span->start >> 13) * 0x9e3779b97f4a7c15ull, key;

	hash = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9ull;
	key = hash / (span->bytes >> 13 ? span->bytes >> 13 : 1);
	if (c->n_sample == GO_BUFFERS_SAMPLED && key >= c->keys[c->last])
		return;
	if (c->n_sample < GO_BUFFERS_SAMPLED)
		c->last = c->n_sample++;
	c->keys[c->last] = key;
	c->sample[c->last] = pick(span, hash >> 32);
	if (c->n_sample == GO_BUFFERS_SAMPLED)
		find_last(c);
}

static void take_span(void *context, const struct go_span *span)
{
	if (span->large)
		choose_large(context, span);
	if (span->size >= LEAST)
		choose_by_chance(context, span);
}

/* Bytes of a chunk up to the last one that is not zero. */
static int chunk_filled(struct go_memory *m, const struct go_buffer *b, uint64_t chunk,
			uint32_t *ret)
{
	uint8_t bytes[CHUNK];
	int r = go_memory_read(m, b->address + chunk * CHUNK, bytes, sizeof(bytes));

	if (r < 0)
		return r;
	*ret = CHUNK;
	while (*ret > 0 && bytes[*ret - 1] == 0)
		--*ret;
	return 0;
}

/*
 * By halves: what is filled from its beginning on has one border. Where items are zeros for a whole
 * chunk, another border is found, or none that moves. A page that the program never touched stays
 * without memory (pages.h).
 */
static int find_border(struct go_memory *m, struct go_buffer *b)
{
	uint64_t full = 0, empty = b->bytes / CHUNK, last = empty - 1;
	uint32_t in_chunk = 0, found = 0;
	int r = chunk_filled(m, b, last, &found);

	if (r == 0 && found)
		full = empty = last;
	else if (r == 0)
		r = chunk_filled(m, b, 0, &found);
	while (r == 0 && empty - full > 1 && full != last) {
		uint64_t middle = full + (empty - full) / 2;

		r = chunk_filled(m, b, middle, &in_chunk);
		if (r == 0 && in_chunk)
			found = in_chunk;
		*(in_chunk ? &full : &empty) = middle;
	}
	b->filled = full * CHUNK + found;
	return r;
}

/* From its end on: the larger ones among them are mostly full. */
static int find_small_border(struct go_memory *m, struct go_buffer *b)
{
	uint8_t bytes[CHUNK];
	uint64_t end = b->bytes;
	int r = 0;

	b->filled = 0;
	while (r == 0 && end > 0 && b->filled == 0) {
		uint64_t size = end < CHUNK ? end : CHUNK;

		end -= size;
		r = go_memory_read(m, b->address + end, bytes, size);
		while (r == 0 && size > 0 && bytes[size - 1] == 0)
			size--;
		b->filled = size ? end + size : 0;
	}
	return r;
}

static int read_head(struct go_memory *m, struct go_buffer *b)
{
	uint8_t bytes[HEAD_BYTES];
	int r = go_memory_read(m, b->address, bytes, sizeof(bytes));

	b->head = 0;
	for (size_t i = 0; r == 0 && i < sizeof(bytes); i += 8)
		b->head = (b->head ^ go_u64(bytes + i)) * 0x9e3779b97f4a7c15ull;
	return r;
}

int go_buffer_measure(struct go_memory *m, struct go_buffer *b)
{
	return b->bytes > SMALL ? find_border(m, b) : find_small_border(m, b);
}

/* Append those that can be measured. One that is given back meanwhile is not told. */
static int measure(struct go_memory *m, const struct go_buffer *chosen, size_t n,
		   struct go_buffers *b)
{
	int r = 0;

	for (size_t i = 0; i < n && r != -ETIME && r != -ESRCH; i++) {
		struct go_buffer row = chosen[i];

		r = go_buffer_measure(m, &row);
		if (r == 0)
			r = read_head(m, &row);
		if (r == 0)
			b->rows[b->n++] = row;
	}
	return r == -ETIME || r == -ESRCH ? r : 0;
}

int go_buffers_answer(struct go_process *p, const void *request, size_t size, void *answer,
		      size_t *ret_size)
{
	struct go_buffers *b = answer;
	struct go_collector collector;
	struct choice c;
	int r;

	if (size != sizeof(struct go_buffers_request) || *ret_size < sizeof(*b))
		return -EINVAL;
	memset(b, 0, sizeof(*b));
	c.n_largest = c.n_sample = c.last = 0;
	r = go_process_heap(p);
	if (r == 0)
		r = go_heap_walk(&p->heap, &p->memory, take_span, &c);
	if (r == 0) {
		if (go_collector_read(p, &collector) == 0)
			b->heap_marked = collector.heap_marked;
		r = measure(&p->memory, c.largest, c.n_largest, b);
		b->largest = b->n;
	}
	if (r == 0)
		r = measure(&p->memory, c.sample, c.n_sample, b);
	*ret_size = offsetof(struct go_buffers, rows) + b->n * sizeof(b->rows[0]);
	return r;
}
