// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/buffers.h"
#include "agent/runtime/go/process.h"
#include "agent/runtime/go/stores.h"

#define LEVELS	    3 /* store, entry, what the entry has */
#define NODES_MAX   8192u
#define HOLDER_MOST 4096u	  /* bytes of an object that is looked for in turn */
#define HEAP_MOST   (64ull << 20) /* bytes with pointers that are read in each level */
#define SPANS_MOST  (1u << 16)
#define ROOT_WORDS  (GO_STORES_OBJECTS / 64)

/* An object that leads to some of the given ones, the roots. */
struct node {
	uint64_t start, size;
	uint64_t roots[ROOT_WORDS]; /* bits */
	uint32_t entries;	    /* words in it that lead to a node of the level before */
};

struct part {
	uint64_t start, bytes, size;
};

struct search {
	struct go_memory *memory;
	struct part *spans; /* GO_SCRATCH_SPANS */
	size_t n_spans;
	uint64_t bytes;
	/* What is looked for, ascending, and what leads there. */
	struct node *targets, *found;
	size_t n_targets, n_found;
	bool cut;	    /* there was no room for all that leads there */
	uint64_t low, high; /* where the targets lie */
};

static void take_span(void *context, const struct go_span *span)
{
	struct search *s = context;

	if (!span->scanned || s->bytes > HEAP_MOST)
		return;
	s->bytes += span->bytes;
	if (s->n_spans < SPANS_MOST)
		s->spans[s->n_spans] = (struct part){ span->start, span->bytes, span->size };
	s->n_spans++;
}

static int by_start(const void *left, const void *right)
{
	const struct node *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

static const struct node *find_target(const struct search *s, uint64_t word)
{
	size_t low = 0, high = s->n_targets;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (word < s->targets[middle].start)
			high = middle;
		else
			low = middle + 1;
	}
	return low && word - s->targets[low - 1].start < s->targets[low - 1].size
		       ? &s->targets[low - 1]
		       : NULL;
}

static void add_roots_of(struct node *to, const struct node *from)
{
	for (size_t i = 0; i < ROOT_WORDS; i++)
		to->roots[i] |= from->roots[i];
}

/* An object is read from its beginning to its end, so it is the last one or none. */
static void add_holder(struct search *s, uint64_t start, uint64_t size, const struct node *target)
{
	struct node *node = s->n_found ? &s->found[s->n_found - 1] : NULL;

	if (!node || node->start != start) {
		if (s->n_found == NODES_MAX) {
			s->cut = true;
			return;
		}
		node = &s->found[s->n_found++];
		*node = (struct node){ .start = start, .size = size };
	}
	node->entries++;
	add_roots_of(node, target);
}

static void search_words(struct search *s, const struct part *span, uint64_t at,
			 const uint8_t *bytes, uint64_t size)
{
	for (uint64_t i = 0; i + 8 <= size; i += 8) {
		uint64_t word = go_u64(bytes + i), offset = at + i - span->start;
		const struct node *target;

		if (word < s->low || word >= s->high)
			continue;
		target = find_target(s, word);
		offset -= offset % span->size;
		if (target && target->start != span->start + offset)
			add_holder(s, span->start + offset, span->size, target);
	}
}

/* What is given back meanwhile, or not in memory, is passed over, and counted there. */
static int search_span(struct search *s, const struct part *span)
{
	static uint8_t bytes[GO_READ_BYTES];
	int r = 0;

	for (uint64_t at = 0; at < span->bytes && r != -ETIME && r != -ESRCH; at += sizeof(bytes)) {
		uint64_t size = span->bytes - at;

		size = size < sizeof(bytes) ? size : sizeof(bytes);
		r = go_memory_read(s->memory, span->start + at, bytes, size);
		if (r == 0)
			search_words(s, span, span->start + at, bytes, size);
	}
	return r == -ETIME || r == -ESRCH ? r : 0;
}

/* In order, each once: the tiny allocator gives one object to several owners. */
static void sort_targets(struct search *s)
{
	size_t n = 0;

	qsort(s->targets, s->n_targets, sizeof(*s->targets), by_start);
	for (size_t i = 0; i < s->n_targets; i++) {
		if (n && s->targets[n - 1].start == s->targets[i].start)
			add_roots_of(&s->targets[n - 1], &s->targets[i]);
		else
			s->targets[n++] = s->targets[i];
	}
	s->n_targets = n;
}

static int search_level(struct search *s)
{
	int r = 0;

	s->n_found = 0;
	if (!s->n_targets)
		return 0;
	sort_targets(s);
	s->low = s->targets[0].start;
	s->high = s->targets[s->n_targets - 1].start + s->targets[s->n_targets - 1].size;
	for (size_t i = 0; i < s->n_spans && r == 0; i++)
		r = search_span(s, &s->spans[i]);
	return r;
}

static void tell(const struct node *node, uint64_t filled, struct go_stores *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (node->roots[i / 64] >> (i % 64) & 1 && node->entries > t->rows[i].entries)
			t->rows[i] = (struct go_store){ .address = node->start,
							.bytes = node->size,
							.filled = filled,
							.entries = node->entries };
}

static int tell_stores(struct search *s, struct go_stores *t)
{
	int r = 0;

	for (size_t i = 0; i < s->n_found && r != -ETIME && r != -ESRCH; i++) {
		struct go_buffer b = { .address = s->found[i].start, .bytes = s->found[i].size };

		if (s->found[i].entries < GO_STORE_LEAST)
			continue;
		r = go_buffer_measure(s->memory, &b);
		if (r == 0 && (double)b.filled <= GO_STORE_FILL * (double)b.bytes)
			tell(&s->found[i], b.filled, t);
	}
	return r == -ETIME || r == -ESRCH ? r : 0;
}

/* What leads there is looked for in turn. */
static void descend(struct search *s)
{
	struct node *targets = s->targets;

	s->n_targets = 0;
	for (size_t i = 0; i < s->n_found; i++)
		if (s->found[i].size <= HOLDER_MOST)
			targets[s->n_targets++] = s->found[i];
}

static void find_roots(struct go_process *p, const struct go_stores_request *q, struct search *s)
{
	for (uint32_t i = 0; i < q->n; i++) {
		struct node *node = &s->targets[s->n_targets];
		struct go_object object;

		if (go_heap_object(&p->heap, &p->memory, q->addresses[i], &object) < 0)
			continue;
		*node = (struct node){ .start = object.address, .size = object.size };
		node->roots[i / 64] = 1ull << (i % 64);
		s->n_targets++;
	}
}

static int search_all(struct go_process *p, const struct go_stores_request *q, struct go_stores *t)
{
	static struct node nodes[2]
				[NODES_MAX]; /* too large for the stack; the child has one thread */
	struct search s = { .memory = &p->memory, .targets = nodes[0], .found = nodes[1] };
	int r;

	s.spans = go_scratch(GO_SCRATCH_SPANS, SPANS_MOST * sizeof(*s.spans));
	r = s.spans ? go_process_heap(p) : -ENOMEM;
	if (r == 0)
		r = go_heap_walk(&p->heap, &p->memory, take_span, &s);
	if (r == 0 && (s.bytes > HEAP_MOST || s.n_spans > SPANS_MOST))
		r = -E2BIG;
	if (r == 0)
		find_roots(p, q, &s);
	for (int level = 0; level < LEVELS && s.n_targets && r == 0; level++) {
		r = search_level(&s);
		if (r == 0)
			r = tell_stores(&s, t);
		descend(&s);
	}
	t->cut = s.cut;
	t->unread = p->memory.unread;
	return r;
}

int go_stores_answer(struct go_process *p, const void *request, size_t size, void *answer,
		     size_t *ret_size)
{
	const struct go_stores_request *q = request;
	size_t head = offsetof(struct go_stores_request, addresses);
	struct go_stores *t = answer;

	if (size < head || q->n > GO_STORES_OBJECTS ||
	    size != head + q->n * sizeof(q->addresses[0]) || *ret_size < sizeof(*t))
		return -EINVAL;
	memset(t, 0, sizeof(*t));
	t->n = q->n;
	*ret_size = offsetof(struct go_stores, rows) + q->n * sizeof(t->rows[0]);
	return search_all(p, q, t);
}
