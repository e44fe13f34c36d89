/* SPDX-License-Identifier: GPL-2.0-only */
/* A heap in the memory of a Go program that does not exist: one arena, and its spans. */
#pragma once

#include "tests/unit/go_fake.h"

#define HEAP	   0x500000ull /* mheap_ */
#define SPANS_LIST 0x600000ull /* allspans */
#define ARENAS	   0x10000000ull
#define ARENA	   0x40000000ull /* of all objects here */
#define SPANS	   0x50000000ull
#define BITS	   0x60000000ull
#define LARGE	   0xc000000000ull /* in the arena, as all objects */
#define PAGE	   8192u

static inline void put_list(const struct fake *f, uint64_t n)
{
	put_slice(f, HEAP + f->process.heap.layout.heap_generation + 8, SPANS_LIST, n, n);
}

/* The next one. class: bit 0 is set where objects have no pointers, others where they are small. */
static inline uint64_t put_span(struct fake *f, uint64_t start, uint64_t bytes, uint64_t size,
				uint8_t class)
{
	const struct go_heap_layout *l = &f->process.heap.layout;
	uint64_t at = SPANS + 256 * f->n, pages = bytes / PAGE;
	uint8_t used = 1;

	put_word(f, at + 24, start);
	put_word(f, at + 32, pages);
	put_word(f, at + 48, 0xffff);
	put_word(f, at + l->span_alloc_bits, BITS + PAGE * f->n);
	put_word(f, at + l->span_size, size);
	put(f, at + l->span_state - 1, &class, 1);
	put(f, at + l->span_state, &used, 1);
	for (uint64_t i = 0; i < pages; i++)
		put_word(f, ARENA + 8 * ((start >> 13 & 8191) + i), at);
	put_word(f, SPANS_LIST + 8 * f->n++, at);
	put_list(f, f->n);
	return at;
}

static inline struct fake *fake_new_heap(void)
{
	struct fake *f = fake_new();

	f->process.variables.heap = HEAP;
	f->process.heap = (struct go_heap){ .variable = HEAP,
					    .arenas = ARENAS,
					    .layout = { .heap_generation = 65856,
							.heap_arenas = 66008,
							.span_alloc_bits = 64,
							.span_generation = 88,
							.span_state = 99,
							.span_size = 104 } };
	put_word(f, ARENAS + 8 * ((LARGE + (1ull << 47)) >> 26), ARENA);
	return f;
}
