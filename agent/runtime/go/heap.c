// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a fate is read. A collection marks what is reachable; when a span is swept, the marks become
 * its allocation bits, and they stay so until the span is swept for the next one. So the bits of a
 * span are those of the last collection that it was swept for, and of an object that was born
 * before that collection began, its bit says whether it lived then. Objects that are born while a
 * collection marks are marked too. What was born since has no bit that means anything; hence the
 * generation that each birth notes.
 *
 * A slot whose object died can be given out again, and is then alive in the next collection. Who
 * asks at each collection sees the death; who misses one may not (explain/survivors.h).
 */
#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/heap.h"

#define ARENA_BITS 26
#define ARENA_BASE (1ull << 47)
#define PAGE_BITS  13
#define PAGE_MASK  ((1ull << (ARENA_BITS - PAGE_BITS)) - 1)
#define SPAN_BYTES 128 /* of struct mspan, as far as it is read */
#define IN_USE	   1   /* mSpanInUse */

#define SPANS_MAX (2u << 20)

/* In struct mspan in all versions; the class stands before the state, even where its objects have
 * pointers, and nothing else of it is set where the object is large. */
enum { SPAN_START = GO_SPAN_START, SPAN_PAGES = 32, SPAN_FREE_INDEX = 48 };
enum { CLASS_NO_POINTERS = 1 };

/* In mheap_, in all versions: the list of spans follows the generation and its padding. */
enum { SPANS_AFTER_GENERATION = 8 };

#define LAYOUT(from, generation, arenas, spans, bits, sweepgen, size)                              \
	{                                                                                          \
		.minor = (from), .heap_generation = (generation), .heap_arenas = (arenas),         \
		.arena_spans = (spans), .span_alloc_bits = (bits), .span_generation = (sweepgen),  \
		.span_state = (sweepgen) + 11, .span_size = (size)                                 \
	}

/* Newest first. The third is not known for sure: Go 1.20 has the arenas of 1.21 and the spans of
 * 1.19, and either place of the arenas. */
static const struct go_heap_layout layouts[] = {
	LAYOUT(22, 65856, 66008, 0, 64, 88, 104),
	LAYOUT(21, 65856, 65944, 1064960, 72, 96, 112),
	LAYOUT(20, 65856, 65944, 1064960, 72, 88, 104),
	LAYOUT(19, 65848, 65936, 2097152, 72, 88, 104),
};

struct span {
	uint64_t start, pages, alloc_bits, size;
	uint32_t generation;
	uint8_t state;
};

/* 0, -ENOENT when the address is in no span. */
static int find_span(const struct go_heap *h, struct go_memory *m, uint64_t address, uint64_t *ret)
{
	uint64_t arena, index = (address + ARENA_BASE) >> ARENA_BITS;
	int r = go_memory_word(m, h->arenas + 8 * index, &arena);

	if (r == 0 && arena == 0)
		r = -ENOENT;
	if (r == 0)
		r = go_memory_word(m,
				   arena + h->layout.arena_spans +
					   8 * ((address >> PAGE_BITS) & PAGE_MASK),
				   ret);
	return r == 0 && *ret == 0 ? -ENOENT : r;
}

static int read_span(const struct go_heap *h, struct go_memory *m, uint64_t at, struct span *ret)
{
	const struct go_heap_layout *l = &h->layout;
	uint8_t bytes[SPAN_BYTES];
	int r = go_memory_read(m, at, bytes, sizeof(bytes));

	if (r < 0)
		return r;
	*ret = (struct span){ .start = go_u64(bytes + SPAN_START),
			      .pages = go_u64(bytes + SPAN_PAGES),
			      .alloc_bits = go_u64(bytes + l->span_alloc_bits),
			      .size = go_u64(bytes + l->span_size),
			      .generation = go_u32(bytes + l->span_generation),
			      .state = bytes[l->span_state] };
	return 0;
}

static bool holds(const struct span *s, uint64_t address)
{
	return s->state == IN_USE && s->size > 0 && address >= s->start && s->pages <= 1ull << 32 &&
	       address - s->start < s->pages << PAGE_BITS;
}

/*
 * Which collection its allocation bits are of (the comment of mspan.sweepgen in mheap.go): an even
 * number is that itself; three more stands for a span that a processor took after it was swept,
 * also when a new collection came since. One less is a span that is being swept.
 */
static bool bits_are_of(const struct span *s, uint32_t generation, uint32_t *ret)
{
	*ret = s->generation % 2 ? s->generation - 3 : s->generation;
	return s->generation % 2 == 0 || s->generation == generation + 1 ||
	       s->generation == generation + 3;
}

/* Whether the layout leads from an object to a span that it can be in. */
static bool leads_to(struct go_heap *h, struct go_memory *m, uint64_t object, uint64_t size)
{
	uint64_t at;
	struct span s;

	if (go_memory_word(m, h->variable + h->layout.heap_arenas, &h->arenas) < 0 || !h->arenas)
		return false;
	return find_span(h, m, object, &at) == 0 && read_span(h, m, at, &s) == 0 &&
	       holds(&s, object) && s.size >= size && s.size < 4 * size &&
	       (object - s.start) % s.size == 0;
}

int go_heap_find(const struct go_variables *v, struct go_memory *m, uint64_t object, uint64_t size,
		 struct go_heap *ret)
{
	struct go_heap h = { .variable = v->heap };

	for (size_t i = 0; h.variable && i < ARRAY_SIZE(layouts); i++) {
		h.layout = layouts[i];
		if (leads_to(&h, m, object, size)) {
			*ret = h;
			return 0;
		}
	}
	return -ENODATA;
}

int go_heap_generation(const struct go_heap *h, struct go_memory *m, uint32_t *ret)
{
	return go_memory_read(m, h->variable + h->layout.heap_generation, ret, sizeof(*ret));
}

/* -EAGAIN when the span was swept meanwhile: the bits may be another collection's by now. */
static int read_bit(const struct go_heap *h, struct go_memory *m, uint64_t at, const struct span *s,
		    uint64_t index, bool *ret)
{
	struct span again;
	uint8_t byte = 0;
	int r = go_memory_read(m, s->alloc_bits + index / 8, &byte, 1);

	if (r == 0)
		r = read_span(h, m, at, &again);
	if (r == 0 && (again.alloc_bits != s->alloc_bits || again.start != s->start))
		r = -EAGAIN;
	*ret = byte >> (index % 8) & 1;
	return r;
}

/* As find_span, with a look at where the last one was. */
static int find_next_span(const struct go_heap *h, struct go_memory *m, uint64_t address,
			  struct go_span_cursor *c, struct span *ret)
{
	int r = 0;

	if (!c->at || c->page != address >> PAGE_BITS)
		r = find_span(h, m, address, &c->at);
	c->page = address >> PAGE_BITS;
	if (r < 0)
		c->at = 0;
	return r < 0 ? r : read_span(h, m, c->at, ret);
}

struct go_answer go_heap_fate(const struct go_heap *h, struct go_memory *m,
			      const struct go_object *object, uint32_t generation,
			      struct go_span_cursor *cursor)
{
	struct go_answer answer = { .fate = GO_FATE_UNKNOWN, .generation = generation };
	bool marked;
	struct span s;
	int r = find_next_span(h, m, object->address, cursor, &s);

	if (r == -ENOENT || (r == 0 && (!holds(&s, object->address) || s.size != object->size))) {
		answer.fate = GO_FATE_DEAD; /* the memory serves something else, or nothing */
		return answer;
	}
	if (r < 0 || !bits_are_of(&s, generation, &answer.generation) ||
	    (int32_t)(answer.generation - object->generation) <= 0 ||
	    read_bit(h, m, cursor->at, &s, (object->address - s.start) / s.size, &marked) < 0)
		return answer;
	answer.fate = marked ? GO_FATE_ALIVE : GO_FATE_DEAD;
	return answer;
}

int go_heap_object(const struct go_heap *h, struct go_memory *m, uint64_t address,
		   struct go_object *ret)
{
	struct span s;
	uint64_t at;
	int r = find_span(h, m, address, &at);

	if (r == 0)
		r = read_span(h, m, at, &s);
	if (r == 0 && !holds(&s, address))
		r = -ENOENT;
	if (r == 0)
		*ret = (struct go_object){ .address = address - (address - s.start) % s.size,
					   .size = s.size };
	return r;
}

struct walk {
	const struct go_heap_layout *layout;
	go_take_span take;
	void *context;
};

static void take_descriptor(void *context, const struct go_item *item, const uint8_t *bytes)
{
	const struct walk *w = context;
	const struct go_heap_layout *l = w->layout;
	uint8_t class = bytes[l->span_state - 1];
	uint64_t pages = go_u64(bytes + SPAN_PAGES);
	struct go_span s = { .start = go_u64(bytes + SPAN_START),
			     .bytes = pages << PAGE_BITS,
			     .size = go_u64(bytes + l->span_size),
			     .alloc_bits = go_u64(bytes + l->span_alloc_bits),
			     .free_index = (uint16_t)go_u32(bytes + SPAN_FREE_INDEX),
			     .scanned = !(class & CLASS_NO_POINTERS),
			     .large = class <= CLASS_NO_POINTERS };

	if (bytes[l->span_state] == IN_USE && pages <= 1ull << 32 && s.size > 0 &&
	    s.size <= s.bytes && s.start < ARENA_BASE)
		w->take(w->context, &s);
}

/* Their descriptors are never given back, so a list that moves meanwhile stays right. */
int go_heap_walk(const struct go_heap *h, struct go_memory *m, go_take_span take, void *context)
{
	struct walk w = { .layout = &h->layout, .take = take, .context = context };
	uint64_t slice[3], *list, away;
	struct go_item *items;
	int r = go_memory_read(m, h->variable + h->layout.heap_generation + SPANS_AFTER_GENERATION,
			       slice, sizeof(slice));

	if (r == 0 && slice[1] > slice[2])
		r = -EPROTO;
	if (r == 0 && slice[1] > SPANS_MAX)
		r = -E2BIG;
	if (r < 0 || slice[1] == 0)
		return r;
	list = go_scratch(GO_SCRATCH_LIST, slice[1] * sizeof(*list));
	items = go_scratch(GO_SCRATCH_ITEMS, slice[1] * sizeof(*items));
	r = list && items ? go_memory_read(m, slice[0], list, slice[1] * sizeof(*list)) : -ENOMEM;
	for (uint64_t i = 0; r == 0 && i < slice[1]; i++)
		items[i] = (struct go_item){ .address = list[i] };
	return r < 0 ? r
		     : go_gather_most(m, items, slice[1], SPAN_BYTES, take_descriptor, &w, &away);
}
