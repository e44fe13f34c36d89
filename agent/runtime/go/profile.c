// SPDX-License-Identifier: GPL-2.0-only
/*
 * The runtime's list of buckets, each with what one stack allocated of one size:
 *
 *   next, allnext, typ, hash, size, nstk        six words
 *   stack                                       nstk words
 *   active, future[3]                           what is published, and what will be
 *
 * of which active begins with two counts, objects allocated and freed; up to Go 1.26 their bytes
 * follow. Buckets are never freed and never change but for these counts.
 */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/objects.h"
#include "agent/runtime/go/process.h"
#include "agent/runtime/go/profile.h"

#define BUCKETS_MAX   65536
#define SITES_MAX     16384
#define SLOTS	      (2 * SITES_MAX)
#define STACK_MAX     1024 /* maxProfStackDepth */
#define MEMORY	      1	   /* memProfile, of a bucket's type */
#define HEADER_BYTES  48
#define COUNTS_BYTES  16
#define SIZE_MAX_SANE (1ull << 40)
#define COUNT_MAX     (1ull << 40)
#define TRIES	      3	 /* while collections come between */
#define TORN_PART     16 /* one bucket in so many may contradict itself: it is being written */

struct bucket {
	uint64_t next, size, taken, freed;
	uint32_t n; /* of pcs */
	uint64_t pcs[GO_PROFILE_FRAMES];
};

struct profile {
	struct go_process *process;
	struct go_memory memory; /* with blocks of its own, which one pass fills */
	uint64_t rate;
	uint32_t buckets, torn, sites;
	struct go_profile_site *rows;
	uint32_t *slots; /* by stack, row + 1 */
};

static void profile_clear(struct profile *p)
{
	free(p->rows);
	free(p->slots);
	go_memory_drop_blocks(&p->memory);
}

/* A pass sees what is read twice in one state, and the next one anew. */
static int profile_begin(struct profile *p)
{
	p->memory = p->process->memory;
	p->memory.blocks = NULL;
	p->rows = calloc(SITES_MAX, sizeof(*p->rows));
	p->slots = calloc(SLOTS, sizeof(*p->slots));
	return p->rows && p->slots ? 0 : -ENOMEM;
}

static void profile_end(struct profile *p)
{
	struct go_memory *m = &p->process->memory;

	m->left = p->memory.left;
	m->reads = p->memory.reads;
	m->bytes = p->memory.bytes;
	m->unread = p->memory.unread;
	m->gone |= p->memory.gone;
}

static bool is_sane(const struct bucket *b)
{
	return b->size <= SIZE_MAX_SANE && b->taken <= COUNT_MAX && b->freed <= b->taken;
}

static int read_bucket(struct profile *p, uint64_t at, struct bucket *ret)
{
	uint8_t header[HEADER_BYTES], counts[COUNTS_BYTES];
	uint64_t n;
	int r = at % sizeof(n) ? -EPROTO : go_memory_fixed(&p->memory, at, header, sizeof(header));

	if (r < 0)
		return r;
	n = go_u64(header + 40);
	if (go_u64(header + 16) != MEMORY || n > STACK_MAX)
		return -EPROTO;
	ret->next = go_u64(header + 8);
	ret->size = go_u64(header + 32);
	ret->n = n < GO_PROFILE_FRAMES ? (uint32_t)n : GO_PROFILE_FRAMES;
	r = go_memory_fixed(&p->memory, at + HEADER_BYTES, ret->pcs, ret->n * sizeof(uint64_t));
	if (r == 0)
		r = go_memory_fixed(&p->memory, at + HEADER_BYTES + n * sizeof(uint64_t), counts,
				    sizeof(counts));
	ret->taken = go_u64(counts);
	ret->freed = go_u64(counts + 8);
	return r;
}

/* What one that is followed stands for, by its size (runtime/pprof, scaleHeapSample). */
static double scale_of(const struct profile *p, uint64_t size)
{
	return p->rate > 1 && size ? 1 / -expm1(-(double)size / (double)p->rate) : 1;
}

static size_t slot_of(const struct bucket *b)
{
	uint64_t h = 0xcbf29ce484222325ull; /* FNV-1a, by words */

	for (uint32_t i = 0; i < b->n; i++)
		h = (h ^ b->pcs[i]) * 0x100000001b3ull;
	return (h ^ h >> 29) % SLOTS;
}

static struct go_profile_site *site_of(struct profile *p, const struct bucket *b)
{
	size_t size = b->n * sizeof(b->pcs[0]), at = slot_of(b);
	struct go_profile_site *row;

	for (; p->slots[at]; at = (at + 1) % SLOTS) {
		row = &p->rows[p->slots[at] - 1];
		if (row->n == b->n && memcmp(row->pcs, b->pcs, size) == 0)
			return row;
	}
	if (p->sites == SITES_MAX)
		return NULL;
	row = &p->rows[p->sites++];
	p->slots[at] = p->sites;
	row->n = b->n;
	memcpy(row->pcs, b->pcs, size);
	return row;
}

static uint64_t times(double n, double scale)
{
	double value = n * scale;

	return value < 1e18 ? (uint64_t)value : 0;
}

static int add_bucket(struct profile *p, const struct bucket *b)
{
	double scale = scale_of(p, b->size);
	double size = (double)b->size, taken = (double)b->taken;
	double live = (double)(b->taken - b->freed);
	struct go_profile_site *site;

	if (!is_sane(b) || (b->n && !go_module_is_code(&p->process->module, b->pcs[0]))) {
		p->torn++;
		return 0;
	}
	if (b->taken == 0 || b->n == 0)
		return 0;
	site = site_of(p, b);
	if (!site)
		return -E2BIG;
	site->taken += b->taken;
	site->freed += b->freed;
	site->objects += times(taken, scale);
	site->bytes += times(taken * size, scale);
	site->live += times(live, scale);
	site->live_bytes += times(live * size, scale);
	return 0;
}

/* From the newest on. A list that comes back to itself is none: what it passed a while ago is kept
 * to be known again (Brent). */
static int walk(struct profile *p, uint64_t at)
{
	uint64_t passed = 0;
	int r = 0;

	for (uint32_t until = 1; at && r == 0;) {
		struct bucket bucket = { .next = 0 };

		if (at == passed || p->buckets == BUCKETS_MAX)
			return at == passed ? -EPROTO : -E2BIG;
		if (p->buckets == until) {
			until *= 2;
			passed = at;
		}
		r = read_bucket(p, at, &bucket);
		p->buckets++;
		if (r == 0)
			r = add_bucket(p, &bucket);
		at = bucket.next;
	}
	if (r == 0 && p->torn > p->buckets / TORN_PART)
		return -EPROTO;
	return r;
}

static int compare_live(const void *left, const void *right)
{
	const struct go_profile_site *a = left, *b = right;

	return (a->live_bytes < b->live_bytes) - (a->live_bytes > b->live_bytes);
}

static void tell(struct profile *p, struct go_profile *ret)
{
	ret->sites = p->sites;
	ret->buckets = p->buckets;
	ret->live_bytes = 0;
	for (uint32_t i = 0; i < p->sites; i++)
		ret->live_bytes += p->rows[i].live_bytes;
	qsort(p->rows, p->sites, sizeof(p->rows[0]), compare_live);
	ret->n = p->sites < GO_PROFILE_SITES ? p->sites : GO_PROFILE_SITES;
	memcpy(ret->rows, p->rows, ret->n * sizeof(ret->rows[0]));
}

static int read_once(struct go_process *process, struct go_profile *ret)
{
	_cleanup_(profile_clear) struct profile p = { .process = process, .rate = ret->rate };
	uint64_t head;
	int r = profile_begin(&p);

	if (r == 0)
		r = go_memory_word(&p.memory, process->variables.buckets, &head);
	if (r == 0)
		r = walk(&p, head);
	if (r == 0)
		tell(&p, ret);
	profile_end(&p);
	return r;
}

static int read_cycles(struct go_process *p, uint32_t *ret)
{
	return go_memory_read(&p->memory, p->variables.memstats + p->layout.stats_cycles, ret,
			      sizeof(*ret));
}

/* One that was published meanwhile is read again; where they come all the time, two that follow
 * each other are told as one. */
static int read_profile(struct go_process *p, struct go_profile *ret)
{
	uint32_t before = 0, after = 1;
	int r = 0;

	for (int i = 0; i < TRIES && r == 0 && before != after; i++) {
		r = read_cycles(p, &before);
		if (r == 0)
			r = read_once(p, ret);
		if (r == 0)
			r = read_cycles(p, &after);
	}
	ret->cycles = after;
	return r;
}

int go_profile_answer(struct go_process *p, const void *request, size_t size, void *answer,
		      size_t *ret_size)
{
	const struct go_variables *v = &p->variables;
	struct go_profile *profile = answer;
	struct go_collector collector = { 0 };
	int r;

	if (size != sizeof(struct go_profile_request) || *ret_size < sizeof(*profile))
		return -EINVAL;
	memset(profile, 0, offsetof(struct go_profile, rows));
	if (!v->buckets || !v->profile_rate || !v->memstats || !v->controller)
		return -ENODATA;
	profile->rate_at = v->profile_rate;
	r = go_memory_word(&p->memory, v->profile_rate, &profile->rate);
	if (r == 0 && profile->rate > SIZE_MAX_SANE)
		r = -EPROTO;
	if (r == 0)
		r = go_collector_read(p, &collector);
	profile->marked = collector.heap_marked;
	if (r == 0 && profile->rate)
		r = read_profile(p, profile);
	*ret_size = offsetof(struct go_profile, rows) + profile->n * sizeof(profile->rows[0]);
	return r;
}
