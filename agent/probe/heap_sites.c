// SPDX-License-Identifier: GPL-2.0-only
/* From keys to sites: sums, live blocks and stacks are joined, and keys of one stack are one site.
 */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "agent/base/cleanup.h"
#include "agent/probe/heap_object.h"

#define BATCH 4096

int heap_event(void *heap, void *data, size_t size)
{
	struct heap *h = heap;
	int r = 0;

	switch (*(const __u32 *)data) {
	case HEAP_SITE:
		r = heap_known_site(&h->known, data);
		break;
	case HEAP_STACK:
		r = heap_known_stack(&h->known, data);
		break;
	case HEAP_MAPPING:
		r = heap_mappings_event(&h->mappings, data, h->window);
		break;
	}
	if (r < 0)
		h->no_memory++;
	return 0; /* the next event is not at fault */
}

struct site_list {
	struct heap_site *rows;
	uint64_t *keys; /* of the rows */
	size_t n, capacity;
};

static void site_list_clear(struct site_list *l)
{
	free(l->rows);
	free(l->keys);
}

static int grow(struct site_list *l)
{
	size_t capacity = l->capacity ? 2 * l->capacity : 256;
	struct heap_site *rows = reallocarray(l->rows, capacity, sizeof(*rows));
	uint64_t *keys;

	if (!rows)
		return -ENOMEM;
	l->rows = rows;
	keys = reallocarray(l->keys, capacity, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	l->keys = keys;
	l->capacity = capacity;
	return 0;
}

static int add_site(struct site_list *l, const struct heap *h, const char *kind, uint64_t key,
		    const struct heap_sums *sums)
{
	const struct known_site *known = heap_known_find(&h->known, key);
	struct heap_site site = { .kind = kind, .sums = *sums };
	int r;

	if (l->n == l->capacity) {
		r = grow(l);
		if (r < 0)
			return r;
	}
	if (known) {
		site.pcs = known->pcs;
		site.n_pcs = known->n;
	}
	l->keys[l->n] = key;
	l->rows[l->n++] = site;
	return 0;
}

static int add_blocks_sites(struct site_list *l, const struct heap *h)
{
	int fd = bpf_map__fd(h->object->maps.sums);
	uint64_t key, *previous = NULL;
	struct heap_sums sums;
	int r = 0;

	while (r == 0 && bpf_map_get_next_key(fd, previous, &key) == 0) {
		if (bpf_map_lookup_elem(fd, &key, &sums) == 0 && sums.created > 0)
			r = add_site(l, h, "malloc", key, &sums);
		previous = &key;
	}
	return r;
}

static int add_mapping_sites(struct site_list *l, const struct heap *h)
{
	int r = 0;

	for (size_t i = 0; i < h->mappings.n && r == 0; i++)
		r = add_site(l, h, "mmap", h->mappings.sites[i].key, &h->mappings.sites[i].sums);
	return r;
}

/* Rows of a kind are looked for by key through a table of row numbers, hashed as in heap_known. */
struct finder {
	uint32_t *rows; /* row + 1; 0: free */
	const struct site_list *list;
};

static struct heap_site *find(const struct finder *f, uint64_t key)
{
	for (size_t i = (key >> 8) % KNOWN_SLOTS; f->rows[i]; i = (i + 1) % KNOWN_SLOTS)
		if (f->list->keys[f->rows[i] - 1] == key)
			return &f->list->rows[f->rows[i] - 1];
	return NULL;
}

static int finder_fill(struct finder *f, const struct site_list *l, size_t from, size_t to)
{
	f->list = l;
	f->rows = calloc(KNOWN_SLOTS, sizeof(*f->rows));
	if (!f->rows)
		return -ENOMEM;
	for (size_t row = from; row < to; row++) {
		size_t i = (l->keys[row] >> 8) % KNOWN_SLOTS;

		while (f->rows[i])
			i = (i + 1) % KNOWN_SLOTS;
		f->rows[i] = (uint32_t)row + 1;
	}
	return 0;
}

static int quarter(const struct heap *h, uint64_t born)
{
	uint64_t length = (h->ended - h->began) / 4 + 1;

	if (born < h->began || born >= h->ended)
		return born < h->began ? 0 : 3;
	return (int)((born - h->began) / length);
}

static void add_live(struct heap_site *site, const struct heap *h, uint64_t size, uint64_t born,
		     bool old)
{
	if (!site)
		return;
	site->born[quarter(h, born)]++;
	site->live++;
	site->live_bytes += size;
	site->old += old;
	if (site->oldest == 0 || born < site->oldest)
		site->oldest = born;
}

static int add_live_blocks(const struct finder *f, const struct heap *h)
{
	_cleanup_free_ struct heap_block *blocks = calloc(BATCH, sizeof(*blocks));
	_cleanup_free_ uint64_t *addresses = calloc(BATCH, sizeof(*addresses));
	int fd = bpf_map__fd(h->object->maps.blocks), r = 0;
	uint64_t cursor, *previous = NULL;

	if (!blocks || !addresses)
		return -ENOMEM;
	while (r == 0) {
		__u32 n = BATCH;

		r = bpf_map_lookup_batch(fd, previous, &cursor, addresses, blocks, &n, NULL);
		if (r < 0 && r != -ENOENT)
			return r;
		for (__u32 i = 0; i < n; i++)
			add_live(find(f, blocks[i].key), h, blocks[i].size, blocks[i].born,
				 blocks[i].window < h->window);
		previous = &cursor;
	}
	return 0;
}

static void add_live_ranges(const struct finder *f, const struct heap *h)
{
	for (size_t i = 0; i < h->mappings.live.n; i++) {
		const struct range *range = &h->mappings.live.rows[i];

		add_live(find(f, range->key), h, range->end - range->start, range->born,
			 range->window < h->window);
	}
}

static int count_live(struct site_list *l, const struct heap *h, size_t n_malloc)
{
	struct finder f = { 0 };
	int r;

	r = finder_fill(&f, l, 0, n_malloc);
	if (r == 0)
		r = add_live_blocks(&f, h);
	free(f.rows);
	f.rows = NULL;
	if (r == 0)
		r = finder_fill(&f, l, n_malloc, l->n);
	if (r == 0)
		add_live_ranges(&f, h);
	free(f.rows);
	return r;
}

static int by_stack(const void *a, const void *b)
{
	const struct heap_site *x = a, *y = b;
	int r = strcmp(x->kind, y->kind);

	if (r == 0)
		r = (x->n_pcs > y->n_pcs) - (x->n_pcs < y->n_pcs);
	if (r == 0 && x->n_pcs)
		r = memcmp(x->pcs, y->pcs, x->n_pcs * sizeof(*x->pcs));
	return r;
}

static void merge(struct heap_site *into, const struct heap_site *from)
{
	into->sums.created += from->sums.created;
	into->sums.created_bytes += from->sums.created_bytes;
	into->sums.destroyed += from->sums.destroyed;
	into->sums.destroyed_bytes += from->sums.destroyed_bytes;
	into->sums.transient += from->sums.transient;
	into->sums.reused += from->sums.reused;
	into->sums.reused_bytes += from->sums.reused_bytes;
	into->live += from->live;
	into->live_bytes += from->live_bytes;
	into->old += from->old;
	for (int i = 0; i < 4; i++)
		into->born[i] += from->born[i];
	if (from->oldest && (!into->oldest || from->oldest < into->oldest))
		into->oldest = from->oldest;
}

/* Partial keys and the full one that followed them stand for one stack. */
static void merge_equal(struct site_list *l)
{
	size_t kept = 0;

	if (l->n == 0)
		return;
	qsort(l->rows, l->n, sizeof(*l->rows), by_stack);
	for (size_t i = 1; i < l->n; i++) {
		if (by_stack(&l->rows[kept], &l->rows[i]) == 0)
			merge(&l->rows[kept], &l->rows[i]);
		else
			l->rows[++kept] = l->rows[i];
	}
	l->n = kept + 1;
}

int heap_sites(struct heap *h, struct heap_site **ret, size_t *ret_n)
{
	_cleanup_(site_list_clear) struct site_list list = { 0 };
	size_t n_malloc;
	int r;

	r = heap_poll(h);
	if (r == 0)
		r = add_blocks_sites(&list, h);
	n_malloc = list.n;
	if (r == 0)
		r = add_mapping_sites(&list, h);
	if (r == 0)
		r = count_live(&list, h, n_malloc);
	if (r < 0)
		return r;
	merge_equal(&list);
	*ret_n = list.n;
	*ret = TAKE_PTR(list.rows);
	return 0;
}
