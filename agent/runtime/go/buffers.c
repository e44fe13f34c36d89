// SPDX-License-Identifier: GPL-2.0-only
/* How far large objects are filled. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/buffers.h"
#include "agent/runtime/go/process.h"

#define CHUNK	   4096u
#define HEAD_BYTES 64

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
	if (b->n < GO_BUFFERS_MAX) {
		b->rows[b->n++] = fresh;
		return;
	}
	i = smallest(b);
	if (b->rows[i].bytes < fresh.bytes)
		b->rows[i] = fresh;
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

		r = row.bytes >= CHUNK ? find_border(m, &row) : -EPROTO;
		if (r == 0)
			r = read_head(m, &row);
		if (r == 0)
			b->rows[kept++] = row;
	}
	b->n = kept;
	return r == -ETIME || r == -ESRCH ? r : 0;
}

int go_buffers_answer(struct go_process *p, const void *request, size_t size, void *answer,
		      size_t *ret_size)
{
	struct go_buffers *b = answer;
	int r;

	if (size != sizeof(struct go_buffers_request) || *ret_size < sizeof(*b))
		return -EINVAL;
	memset(b, 0, sizeof(*b));
	r = go_process_heap(p);
	if (r == 0)
		r = go_heap_walk(&p->heap, &p->memory, take_span, b);
	if (r == 0)
		r = measure_all(&p->memory, b);
	*ret_size = offsetof(struct go_buffers, rows) + b->n * sizeof(b->rows[0]);
	return r;
}
