/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The heap of a Go program in the reader child: from an address to its span (runtime/mheap.go), and
 * what the collector last said of it (runtime/mbitmap.go).
 */
#pragma once

#include "agent/runtime/go/memory.h"
#include "agent/runtime/go/moduledata.h"
#include "agent/runtime/go/objects.h"
#include "agent/runtime/go/variables.h"

/* Offsets, amd64; from the debug information of programs built by each version. */
struct go_heap_layout {
	uint32_t minor; /* the first one that has it */
	uint32_t heap_generation, heap_arenas;
	uint32_t arena_spans;
	uint16_t span_alloc_bits, span_generation, span_state, span_size;
};

#define GO_SPAN_START 24 /* in struct mspan, in all versions: the address of its first object */

struct go_heap {
	uint64_t variable; /* mheap_; 0 when not found */
	uint64_t arenas;   /* mheap_.arenas[0]; 0 until its layout was found to hold */
	struct go_heap_layout layout;
};

/*
 * Find which layout holds, tried on an object that is known to be of the heap: the first goroutine.
 * 0, or -ENODATA when none does.
 */
int go_heap_find(const struct go_variables *v, struct go_memory *m, uint64_t object, uint64_t size,
		 struct go_heap *ret);

/* The collector's generation now. */
int go_heap_generation(const struct go_heap *h, struct go_memory *m, uint32_t *ret);

/* Objects that are asked for by ascending address lie in one span after the other. */
struct go_span_cursor {
	uint64_t page, at; /* the last page, and where its span is described; 0: none */
};

/* The fate of an object by the marks of the last collection that its span was swept for.
 * generation: the collector's, now or a moment ago. */
struct go_answer go_heap_fate(const struct go_heap *h, struct go_memory *m,
			      const struct go_object *object, uint32_t generation,
			      struct go_span_cursor *cursor);

/* A span that holds objects. */
struct go_span {
	uint64_t start, bytes;
	uint64_t size;	     /* of each object; as large as the span when it holds one */
	uint64_t alloc_bits; /* of objects from free_index on, whether each is in use */
	uint16_t free_index;
	bool scanned; /* its objects have pointers */
	bool large;   /* one object, of more than any size class has */
};

/* Call take for every span in use. 0; -E2BIG when there are more than is read, or as
 * go_memory_read. Uses the scratch memory. */
typedef void (*go_take_span)(void *context, const struct go_span *span);
int go_heap_walk(const struct go_heap *h, struct go_memory *m, go_take_span take, void *context);

/* The object that an address leads to, by where it begins: 0, -ENOENT when it is none. */
int go_heap_object(const struct go_heap *h, struct go_memory *m, uint64_t address,
		   struct go_object *ret);
