// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "agent/probe/heap_mappings.h"

/* How a range went: by its owner, or found gone because its place was given out again. */
struct going {
	struct heap_mappings *mappings;
	uint32_t window;
	bool reused;
};

static struct heap_sums *sums_of(struct heap_mappings *m, uint64_t key)
{
	struct mapping_sums *sites;

	for (size_t i = 0; i < m->n; i++)
		if (m->sites[i].key == key)
			return &m->sites[i].sums;
	sites = reallocarray(m->sites, m->n + 1, sizeof(*sites));
	if (!sites)
		return NULL;
	m->sites = sites;
	m->sites[m->n] = (struct mapping_sums){ .key = key };
	return &m->sites[m->n++].sums;
}

static void on_gone(void *context, const struct range *was, uint64_t bytes, int last)
{
	const struct going *going = context;
	struct heap_sums *s = sums_of(going->mappings, was->key);

	if (!s)
		return;
	if (going->reused) {
		s->reused += last ? 1 : 0;
		s->reused_bytes += bytes;
		return;
	}
	s->destroyed += last ? 1 : 0;
	s->destroyed_bytes += bytes;
	s->transient += last && was->window == going->window ? 1 : 0;
}

/* The kernel maps whole pages. */
static uint64_t page_up(uint64_t size)
{
	return (size + 4095) & ~4095ULL;
}

int heap_mappings_event(struct heap_mappings *m, const struct heap_mapping_event *e,
			uint32_t window)
{
	struct going going = { m, window, false };
	struct range range = { e->address, e->address + page_up(e->size), e->key, e->time, window };
	struct heap_sums *s;
	int r = 0;

	if (e->op != HEAP_MAP)
		r = ranges_remove(&m->live, e->old_address, e->old_address + page_up(e->old_size),
				  on_gone, &going);
	if (r < 0 || e->op == HEAP_UNMAP)
		return r;
	s = sums_of(m, e->key);
	if (!s)
		return -ENOMEM;
	s->created++;
	s->created_bytes += range.end - range.start;
	going.reused = true;
	return ranges_add(&m->live, &range, on_gone, &going);
}

void heap_mappings_clear(struct heap_mappings *m)
{
	ranges_clear(&m->live);
	free(m->sites);
	*m = (struct heap_mappings){ 0 };
}
