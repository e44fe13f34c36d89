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

/* Of the spans that were met, those with the least keys. */
struct sample {
	struct go_buffers *b;
	uint64_t keys[GO_BUFFERS_MAX];
	uint32_t last; /* of them the largest key, once there is no more room */
};

static size_t smallest(const struct go_buffers *b)
{
	size_t least = 0;

	for (size_t i = 1; i < b->n; i++)
		if (b->rows[i].bytes < b->rows[least].bytes)
			least = i;
	return least;
}

static void take_span(void *context, const struct go_span *span)
{
	struct go_buffers *b = context;
	struct go_buffer fresh = { .address = span->start, .bytes = span->bytes };
	size_t i;

	if (!span->large)
		return;
	b->large++;
	if (b->n < GO_BUFFERS_LARGE) {
		b->rows[b->n++] = fresh;
		return;
	}
	i = smallest(b);
	if (b->rows[i].bytes < fresh.bytes)
		b->rows[i] = fresh;
}

/* The object of a span that stands for it, ever the same. */
static struct go_buffer pick(const struct go_span *span, uint64_t hash)
{
	uint64_t bits = span->scanned && span->bytes > BITS_BYTES ? BITS_BYTES : 0;
	uint64_t n = (span->bytes - bits) / span->size;

	return (struct go_buffer){ .address = span->start + (n > 1 ? hash % n * span->size : 0),
				   .bytes = span->size };
}

static void find_last(struct sample *s)
{
	s->last = 0;
	for (uint32_t i = 1; i < s->b->n; i++)
		if (s->keys[i] > s->keys[s->last])
			s->last = i;
}

/* A span is as likely to have the least key as it is large. */
static void take_sample(void *context, const struct go_span *span)
{
	uint64_t hash = (span->start >> 13) * 0x9e3779b97f4a7c15ull, key;
	struct sample *s = context;
	struct go_buffers *b = s->b;

	if (span->size < LEAST)
		return;
	b->large += span->large;
	b->bytes += span->bytes;
	hash = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9ull;
	key = hash / (span->bytes >> 13 ? span->bytes >> 13 : 1);
	if (b->n == GO_BUFFERS_MAX && key >= s->keys[s->last])
		return;
	if (b->n < GO_BUFFERS_MAX)
		s->last = b->n++;
	s->keys[s->last] = key;
	b->rows[s->last] = pick(span, hash >> 32);
	if (b->n == GO_BUFFERS_MAX)
		find_last(s);
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

/* One that is given back meanwhile is not told. */
static int measure_all(struct go_memory *m, struct go_buffers *b)
{
	uint32_t kept = 0;
	int r = 0;

	for (uint32_t i = 0; i < b->n && r != -ETIME && r != -ESRCH; i++) {
		struct go_buffer row = b->rows[i];

		r = row.bytes > SMALL ? find_border(m, &row) : find_small_border(m, &row);
		if (r == 0)
			r = read_head(m, &row);
		if (r == 0)
			b->rows[kept++] = row;
	}
	b->n = kept;
	return r == -ETIME || r == -ESRCH ? r : 0;
}

static void read_marked(struct go_process *p, uint64_t *ret)
{
	uint64_t controller = p->variables.controller;

	if (!controller || go_memory_word(&p->memory, controller + p->layout.gc_marked, ret) < 0)
		*ret = 0;
}

int go_buffers_answer(struct go_process *p, const void *request, size_t size, void *answer,
		      size_t *ret_size)
{
	const struct go_buffers_request *q = request;
	struct go_buffers *b = answer;
	struct sample sample = { .b = b };
	int r;

	if (size != sizeof(*q) || *ret_size < sizeof(*b))
		return -EINVAL;
	memset(b, 0, sizeof(*b));
	r = go_process_heap(p);
	if (r == 0 && q->sampled)
		r = go_heap_walk(&p->heap, &p->memory, take_sample, &sample);
	else if (r == 0)
		r = go_heap_walk(&p->heap, &p->memory, take_span, b);
	if (r == 0)
		read_marked(p, &b->heap_marked);
	if (r == 0)
		r = measure_all(&p->memory, b);
	*ret_size = offsetof(struct go_buffers, rows) + b->n * sizeof(b->rows[0]);
	return r;
}
