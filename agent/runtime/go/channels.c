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
#define SEARCH_EACH	8  /* scans; what a search costs is too much for each */
#define TORN		2  /* items sent and taken while the fields were read */
#define SAMPLE		8  /* items, of which the objects they lead to are sized */
#define ITEM_BYTES	64 /* of each that are looked at */
#define OLD_HCHAN_BYTES 96u

struct go_known_channels {
	unsigned int scans;
	size_t n;
	struct go_hchan rows[GO_CHANNELS_MAX];
};

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

/* Bytes of the objects that one item leads to; the same object twice counts once. */
static uint64_t size_item(struct go_process *p, const uint8_t *item, uint64_t pointers,
			  uint64_t *last)
{
	uint64_t sum = 0;

	for (uint64_t at = 0; at + 8 <= pointers; at += 8) {
		struct go_object o;

		if (go_heap_object(&p->heap, &p->memory, go_u64(item + at), &o) < 0 ||
		    o.address == *last)
			continue;
		*last = o.address;
		sum += o.size;
	}
	return sum;
}

/* What an item of the queue keeps alive beside itself, by a few of them. */
static uint64_t kept_by_item(struct go_process *p, const struct go_hchan *c)
{
	uint64_t type[2], last = 0, sum = 0, n = c->items < SAMPLE ? c->items : SAMPLE;
	uint8_t item[ITEM_BYTES];

	if (n == 0 || go_memory_fixed(&p->memory, c->type, type, sizeof(type)) < 0 || type[1] == 0)
		return 0;
	type[1] = type[1] < sizeof(item) ? type[1] : sizeof(item);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = (c->taken_at + c->items / n * i) % c->capacity;

		if (go_memory_read(&p->memory, c->buffer + at * c->item_bytes, item, type[1]) == 0)
			sum += size_item(p, item, type[1], &last);
	}
	return sum / n;
}

static void tell_makers(struct go_builder *b, const struct go_hchan *c, struct go_channel *to)
{
	struct go_report *r = b->report;
	uint64_t pcs[GO_MAKERS];
	int n = go_makers_find(b->process, c, pcs, GO_MAKERS);

	to->makers = (uint16_t)r->n_stacks;
	for (int i = 0; i < n && r->n_stacks < GO_STACKS; i++) {
		uint16_t code = go_builder_code(b, pcs[i], true);

		if (code == GO_CODES)
			break;
		r->stacks[r->n_stacks++] = code;
		to->n_makers++;
	}
}

static void tell(struct go_builder *b, const struct go_hchan *c)
{
	struct go_channel *to = &b->report->channels[b->report->n_channels++];

	*to = (struct go_channel){ .address = c->address,
				   .items = c->items,
				   .capacity = c->capacity,
				   .sent_at = c->sent_at,
				   .taken_at = c->taken_at,
				   .kept = kept_by_item(b->process, c),
				   .item_bytes = c->item_bytes,
				   .closed = c->closed };
	tell_makers(b, c, to);
}

/* The heap is searched for the first of some scans. */
static int search_again(struct go_process *p)
{
	static struct search s; /* too large for the stack; the child has one thread */
	struct go_known_channels *known = p->channels;
	int r;

	s = (struct search){ .process = p };
	r = search_heap(&s);
	known->n = r < 0 ? 0 : s.n_found < GO_CHANNELS_MAX ? s.n_found : GO_CHANNELS_MAX;
	memcpy(known->rows, s.found, known->n * sizeof(known->rows[0]));
	search_clear(&s);
	return r;
}

/* For the others, those that were found are read again; what has become another is dropped. */
static int read_again(struct go_process *p)
{
	struct go_known_channels *known = p->channels;
	size_t n = 0;

	for (size_t i = 0; i < known->n; i++) {
		const struct go_hchan before = known->rows[i];
		uint8_t bytes[GO_HCHAN_BYTES];
		int r = go_memory_read(&p->memory, before.address, bytes, sizeof(bytes));

		if (r == -ETIME || r == -ESRCH)
			return r;
		if (r == 0 && go_hchan_parse(p, before.address, bytes, &known->rows[n]) &&
		    known->rows[n].buffer == before.buffer &&
		    known->rows[n].capacity == before.capacity)
			n++;
	}
	known->n = n;
	return 0;
}

static int update(struct go_process *p)
{
	if (!p->channels && !(p->channels = calloc(1, sizeof(*p->channels))))
		return -ENOMEM;
	return p->channels->scans++ % SEARCH_EACH ? read_again(p) : search_again(p);
}

enum go_status go_channels_scan(struct go_builder *b)
{
	struct go_process *p = b->process;
	int r = go_process_heap(p);

	if (r == -ENODATA)
		return p->variables.heap ? GO_NO_LAYOUT : GO_NO_VARIABLE;
	if (r == 0)
		r = update(p);
	for (size_t i = 0; r == 0 && i < p->channels->n; i++)
		tell(b, &p->channels->rows[i]);
	if (r == 0 && b->report->n_channels)
		r = go_holders_tell(b);
	return go_status_of(r);
}
