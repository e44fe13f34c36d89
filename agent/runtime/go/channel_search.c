// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where channels are (makechan in src/runtime/chan.go). Where items have no pointers, the channel
 * stands at the beginning of one object with its buffer. Else it is a small object with pointers,
 * and the buffer is one of its own. So a large buffer is a large object, and the channel either
 * begins it or is in a span of its size class and leads to it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/channels.h"

#define PAGE		8192u /* of the runtime: a large object's span ends with its last one */
#define CAPACITY_MAX	(1ull << 40)
#define LARGE_MAX	16384u /* objects that are looked at, the largest */
#define SMALL_MAX	8192u  /* spans of small objects: 64 MiB */
#define FOUND_MAX	256u
#define TORN		2 /* items sent and taken while the fields were read */
#define OLD_HCHAN_BYTES 96u

/* Objects that a channel with a buffer of its own is one of: before Go 1.23 and since. */
static bool is_channel_size(uint64_t size)
{
	return size == OLD_HCHAN_BYTES || size == GO_HCHAN_BYTES;
}

struct search {
	struct go_process *process;
	struct go_span *large, *small;
	size_t n_large, n_small;
	const struct go_span *buffers; /* of the large ones, those with pointers, by address */
	size_t n_buffers;
	struct go_hchan found[FOUND_MAX];
	size_t n_found;
};

static void search_clear(struct search *s)
{
	free(s->large);
	free(s->small);
}

bool go_is_type(const struct go_process *p, uint64_t address)
{
	for (size_t i = 0; i < p->image.n_segments; i++) {
		const struct go_segment *s = &p->image.segments[i];

		if (!s->executable && address % 8 == 0 && address >= s->address &&
		    address - s->address < s->size)
			return true;
	}
	return false;
}

/* A type begins with its size, and how far into it pointers reach. */
static bool is_type_of(struct go_process *p, uint64_t address, uint32_t size)
{
	uint64_t type[2];

	return go_is_type(p, address) &&
	       go_memory_fixed(&p->memory, address, type, sizeof(type)) == 0 && type[0] == size &&
	       type[1] <= type[0];
}

/* What the indices say that it holds is what it says itself. */
static bool ring_holds(const struct go_hchan *c)
{
	uint64_t held = (c->sent_at + c->capacity - c->taken_at) % c->capacity;
	uint64_t differ = (held + c->capacity - c->items) % c->capacity;

	return differ <= TORN || c->capacity - differ <= TORN;
}

bool go_hchan_parse(struct go_process *p, uint64_t address, const uint8_t *bytes,
		    struct go_hchan *ret)
{
	for (size_t later = 0; later <= 8; later += 8) {
		const uint8_t *rest = bytes + 32 + later;
		struct go_hchan c = { .address = address,
				      .items = go_u64(bytes),
				      .capacity = go_u64(bytes + 8),
				      .buffer = go_u64(bytes + 16),
				      .item_bytes = go_u32(bytes + 24) & UINT16_MAX,
				      .closed = go_u32(bytes + 28),
				      .type = go_u64(rest),
				      .sent_at = go_u64(rest + 8),
				      .taken_at = go_u64(rest + 16) };

		if (c.capacity == 0 || c.capacity > CAPACITY_MAX || c.items > c.capacity ||
		    c.sent_at >= c.capacity || c.taken_at >= c.capacity || c.closed > 1 ||
		    !c.item_bytes || !c.buffer || !ring_holds(&c) ||
		    !is_type_of(p, c.type, c.item_bytes))
			continue;
		*ret = c;
		return true;
	}
	return false;
}

static int compare_sizes(const void *left, const void *right)
{
	const struct go_span *a = left, *b = right;

	return (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

static int compare_starts(const void *left, const void *right)
{
	const struct go_span *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

static uint64_t full_bytes(const struct go_hchan *c)
{
	return c->capacity * c->item_bytes;
}

static int compare_found(const void *left, const void *right)
{
	uint64_t a = full_bytes(left), b = full_bytes(right);

	return (a < b) - (a > b);
}

/* The larger half stays where there is no room. */
static void take_span(void *context, const struct go_span *span)
{
	struct search *s = context;

	if (!span->large) {
		if (span->scanned && is_channel_size(span->size) && s->n_small < SMALL_MAX)
			s->small[s->n_small++] = *span;
		return;
	}
	if (s->n_large == LARGE_MAX) {
		qsort(s->large, s->n_large, sizeof(*s->large), compare_sizes);
		s->n_large /= 2;
	}
	s->large[s->n_large++] = *span;
}

/* A buffer fills its object but for what rounding leaves. */
static void add_found(struct search *s, const struct go_hchan *c, uint64_t before, uint64_t room)
{
	uint64_t needed = before + full_bytes(c);

	if (needed > room || room - needed >= PAGE)
		return;
	if (s->n_found == FOUND_MAX) {
		qsort(s->found, s->n_found, sizeof(*s->found), compare_found);
		s->n_found /= 2;
	}
	s->found[s->n_found++] = *c;
}

static void take_head(void *context, const struct go_item *item, const uint8_t *bytes)
{
	struct search *s = context;
	uint64_t before = go_u64(bytes + 16) - item->address;
	struct go_hchan c;

	if (before >= OLD_HCHAN_BYTES && before <= GO_HCHAN_BYTES &&
	    go_hchan_parse(s->process, item->address, bytes, &c))
		add_found(s, &c, before, item->tag);
}

/* Channels that begin a large object. */
static int search_heads(struct search *s)
{
	struct go_item *items = go_scratch(GO_SCRATCH_ITEMS, s->n_large * sizeof(*items));
	size_t n = 0;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_large; i++)
		if (!s->large[i].scanned)
			items[n++] = (struct go_item){ .address = s->large[i].start,
						       .tag = s->large[i].bytes };
	return n ? go_gather(&s->process->memory, items, n, GO_HCHAN_BYTES, take_head, s) : 0;
}

static bool is_allocated(struct search *s, const struct go_span *span, uint64_t index)
{
	uint8_t byte = 0;

	return index < span->free_index ||
	       (go_memory_read(&s->process->memory, span->alloc_bits + index / 8, &byte, 1) == 0 &&
		byte >> (index % 8) & 1);
}

static void try_small(struct search *s, const struct go_span *span, uint64_t index,
		      const uint8_t *bytes)
{
	struct go_span key = { .start = go_u64(bytes + 16) };
	const struct go_span *buffer;
	struct go_hchan c;

	if (key.start == 0 || key.start % PAGE || go_u64(bytes) > go_u64(bytes + 8))
		return;
	buffer = bsearch(&key, s->buffers, s->n_buffers, sizeof(key), compare_starts);
	if (buffer && go_hchan_parse(s->process, span->start + index * span->size, bytes, &c) &&
	    is_allocated(s, span, index))
		add_found(s, &c, 0, buffer->bytes);
}

static int search_span(struct search *s, const struct go_span *span)
{
	uint8_t bytes[PAGE + GO_HCHAN_BYTES] = { 0 }; /* the old layout is shorter than is read */
	uint64_t size = span->bytes < PAGE ? span->bytes : PAGE;
	int r = go_memory_read(&s->process->memory, span->start, bytes, size);

	for (uint64_t i = 0; r == 0 && (i + 1) * span->size <= size; i++)
		try_small(s, span, i, bytes + i * span->size);
	return r == -ETIME || r == -ESRCH ? r : 0;
}

/* Channels that lead to a large buffer. */
static int search_small(struct search *s)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < s->n_large; i++)
		if (s->large[i].scanned)
			s->large[n++] = s->large[i];
	qsort(s->large, n, sizeof(*s->large), compare_starts);
	s->buffers = s->large;
	s->n_buffers = n;
	for (size_t i = 0; n && r == 0 && i < s->n_small; i++)
		r = search_span(s, &s->small[i]);
	return r;
}

static int search_heap(struct search *s)
{
	struct go_process *p = s->process;
	int r;

	s->large = calloc(LARGE_MAX, sizeof(*s->large));
	s->small = calloc(SMALL_MAX, sizeof(*s->small));
	r = s->large && s->small ? go_heap_walk(&p->heap, &p->memory, take_span, s) : -ENOMEM;
	if (r == 0)
		r = search_heads(s);
	if (r == 0)
		r = search_small(s);
	qsort(s->found, s->n_found, sizeof(*s->found), compare_found);
	return r;
}

int go_channels_search(struct go_process *p, struct go_hchan *ret, size_t max, size_t *ret_n)
{
	static struct search s; /* too large for the stack; the child has one thread */
	int r;

	s = (struct search){ .process = p };
	r = search_heap(&s);
	search_clear(&s);
	*ret_n = r < 0 ? 0 : s.n_found < max ? s.n_found : max;
	memcpy(ret, s.found, *ret_n * sizeof(*ret));
	return r;
}
