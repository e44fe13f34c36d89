// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/explain/survivors.h"

#define SLOTS	   (2 * SURVIVORS_MAX) /* a power of two */
#define SITES_MAX  16384
#define SITE_SLOTS (2 * SITES_MAX)
#define SHARED_SIZE                                                                                \
	16 /* blocks that Go's tiny allocator shares among objects of 8 bytes and less */
#define LARGE_SIZE 32769 /* bytes: beyond the largest size class there are no classes */
#define SIZE_LEAST 8	 /* objects of one size, to judge it by itself */
/* Deaths at a site: more, and its doubtful survivors do not count. A slot that was used again looks
 * like a survivor, so where slots are used again few of the deaths are seen. */
#define DOUBT_PART 0.02
/* Slots are used again by objects of their size. Where more of those stay by another site, fewer
 * than this part of them may be the other's, in the slots of the dead. Unless so many of all are
 * known for sure; or so many dead of whom none is seen to be one, as seldom as that happens at the
 * sites of that size where some are, would be a chance less than this. */
#define REUSE_PART  0.25
#define SURE_PART   0.1
#define CHANCE_LESS 0.01

struct entry {
	uint64_t address; /* 0: free */
	uint64_t key, size, born;
	uint32_t generation; /* last known of */
	uint8_t fate;
	bool doubtful; /* a generation passed in which nobody asked */
};

/* What is born at one place and is of one size: an array that append moves dies in all sizes but
 * the last, and of that one doubt is no reason to doubt the others. */
struct site {
	uint64_t key; /* 0: free */
	uint64_t size;
	struct heap_sums sums;
};

struct survivors {
	struct survivor_oracle oracle;
	struct entry *entries;
	struct site *sites;
	size_t n, n_sites;
};

int survivors_new(const struct survivor_oracle *oracle, struct survivors **ret)
{
	struct survivors *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->oracle = *oracle;
	s->entries = calloc(SLOTS, sizeof(*s->entries));
	s->sites = calloc(SITE_SLOTS, sizeof(*s->sites));
	if (!s->entries || !s->sites) {
		survivors_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void survivors_free(struct survivors *s)
{
	if (!s)
		return;
	free(s->entries);
	free(s->sites);
	free(s);
}

static size_t hash(uint64_t word, size_t slots)
{
	return (size_t)((word * 0x9e3779b97f4a7c15ull) >> 32) & (slots - 1);
}

/* The entry of an address, or the free one where it goes; the table is at most half full. */
static struct entry *find_entry(const struct survivors *s, uint64_t address)
{
	size_t i = hash(address, SLOTS);

	while (s->entries[i].address && s->entries[i].address != address)
		i = (i + 1) % SLOTS;
	return &s->entries[i];
}

/* Where it is, or the free slot where it goes. Large ones are of one size. */
static size_t site_slot(const struct survivors *s, uint64_t key, uint64_t *size)
{
	size_t i;

	*size = *size < LARGE_SIZE ? *size : LARGE_SIZE;
	i = hash(key ^ *size * 0xbf58476d1ce4e5b9ull, SITE_SLOTS);
	while (s->sites[i].key && (s->sites[i].key != key || s->sites[i].size != *size))
		i = (i + 1) % SITE_SLOTS;
	return i;
}

/* NULL when there is no room for one more. */
static struct site *find_site(struct survivors *s, uint64_t key, uint64_t size)
{
	struct site *site = &s->sites[site_slot(s, key, &size)];

	if (site->key)
		return site;
	if (s->n_sites == SITES_MAX)
		return NULL;
	s->n_sites++;
	site->key = key;
	site->size = size;
	return site;
}

static void end_entry(struct survivors *s, struct entry *e)
{
	struct site *site = find_site(s, e->key, e->size);

	if (e->fate == SURVIVOR_DEAD || !site)
		return;
	e->fate = SURVIVOR_DEAD;
	site->sums.destroyed++;
	site->sums.destroyed_bytes += e->size;
}

int survivors_add(void *book, uint64_t address, const struct survivor_birth *birth)
{
	struct survivors *s = book;
	struct entry *e = find_entry(s, address);
	struct site *site;

	if (e->address)
		end_entry(s, e);
	else if (s->n == SURVIVORS_MAX)
		return -ENOSPC;
	else
		s->n++;
	*e = (struct entry){ .address = address,
			     .key = birth->key,
			     .size = birth->size,
			     .born = birth->born,
			     .generation = birth->generation };
	site = find_site(s, birth->key, birth->size);
	if (site) {
		site->sums.created++;
		site->sums.created_bytes += birth->size;
	}
	return 0;
}

static void apply(struct survivors *s, const struct survivor_query *q,
		  const struct survivor_answer *a)
{
	struct entry *e = find_entry(s, q->address);

	if (a->fate == SURVIVOR_DEAD)
		end_entry(s, e);
	if (a->fate != SURVIVOR_ALIVE)
		return;
	if (s->oracle.step && a->generation - e->generation > s->oracle.step)
		e->doubtful = true;
	e->fate = SURVIVOR_ALIVE;
	e->generation = a->generation;
}

static int by_address(const void *left, const void *right)
{
	const struct survivor_query *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

static struct survivor_query *list_queries(const struct survivors *s, size_t *ret_n)
{
	struct survivor_query *list = calloc(s->n + 1, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; list && i < SLOTS; i++) {
		const struct entry *e = &s->entries[i];

		if (e->address && e->fate != SURVIVOR_DEAD)
			list[n++] =
				(struct survivor_query){ e->address, e->size, e->generation, 0 };
	}
	if (list && n)
		qsort(list, n, sizeof(*list), by_address);
	*ret_n = n;
	return list;
}

int survivors_check(struct survivors *s)
{
	_cleanup_free_ struct survivor_query *queries = NULL;
	_cleanup_free_ struct survivor_answer *answers =
		calloc(s->oracle.at_once, sizeof(*answers));
	size_t n, part;
	int r = 0;

	queries = list_queries(s, &n);
	if (!queries || !answers)
		return -ENOMEM;
	for (size_t at = 0; at < n && r == 0; at += part) {
		part = n - at < s->oracle.at_once ? n - at : s->oracle.at_once;
		r = s->oracle.ask(s->oracle.context, queries + at, part, answers);
		for (size_t i = 0; i < part && r == 0; i++)
			apply(s, &queries[at + i], &answers[i]);
	}
	return r;
}

/* What lives of one site, for sure and perhaps. */
struct living {
	struct survivor_row row;
	struct heap_site doubtful;
};

static uint64_t all_living(const struct living *l)
{
	return l->row.site.live + l->doubtful.live;
}

static unsigned int quarter_of(const struct entry *e, uint64_t began, uint64_t end)
{
	uint64_t quarter = e->born > began ? (e->born - began) / ((end - began) / 4 + 1) : 0;

	return quarter < 3 ? (unsigned int)quarter : 3;
}

static void add_living(struct heap_site *site, const struct entry *e, uint64_t began, uint64_t end)
{
	site->live++;
	site->live_bytes += e->size;
	site->born[quarter_of(e, began, end)]++;
	if (site->oldest == 0 || e->born < site->oldest)
		site->oldest = e->born;
}

/* Until when births were judged. */
static uint64_t judged_until(const struct survivors *s)
{
	uint64_t last = 0;

	for (size_t i = 0; i < SLOTS; i++)
		if (s->entries[i].address && s->entries[i].fate != SURVIVOR_UNKNOWN &&
		    s->entries[i].born > last)
			last = s->entries[i].born;
	return last;
}

void survivors_births(const struct survivors *s, uint64_t began, uint64_t ret[4])
{
	uint64_t end = judged_until(s);

	for (int i = 0; i < 4; i++)
		ret[i] = 0;
	for (size_t i = 0; i < SLOTS; i++)
		if (s->entries[i].address)
			ret[quarter_of(&s->entries[i], began, end)]++;
}

static void add_site(struct heap_site *to, const struct heap_site *from)
{
	to->live += from->live;
	to->live_bytes += from->live_bytes;
	for (int i = 0; i < 4; i++) {
		to->born[i] += from->born[i];
		to->stayed[i] += from->stayed[i];
		to->went[i] += from->went[i];
	}
	if (!to->oldest || (from->oldest && from->oldest < to->oldest))
		to->oldest = from->oldest;
}

/* Believe what is doubtful, of one size or of all, where few die. */
static void join(struct living *l, uint64_t least)
{
	struct heap_site *site = &l->row.site;
	uint64_t deaths = site->sums.destroyed, all = deaths + all_living(l);

	if (all < least || (double)deaths > DOUBT_PART * (double)all)
		return;
	add_site(site, &l->doubtful);
	l->doubtful = (struct heap_site){ 0 };
}

/* Of the slots of one size. */
struct slots {
	uint64_t most;	 /* that live by one site */
	double refilled; /* the largest part of the dead of a site that look alive */
};

static void add_to_slots(struct slots *s, const struct living *l)
{
	uint64_t deaths = l->row.site.sums.destroyed, all = deaths + all_living(l);
	double refilled = (double)l->doubtful.live / (double)(deaths + l->doubtful.live);

	if (all_living(l) > s->most)
		s->most = all_living(l);
	if (all >= SIZE_LEAST && (double)deaths > DOUBT_PART * (double)all &&
	    refilled > s->refilled)
		s->refilled = refilled;
}

/* Disbelieve what is doubtful where it may be what another site keeps. */
static void drop_reused(struct living *l, const struct slots *s)
{
	double all = (double)all_living(l);

	if (all < REUSE_PART * (double)s->most && (double)l->row.site.live < SURE_PART * all &&
	    pow(s->refilled, (double)l->doubtful.live) > CHANCE_LESS)
		l->doubtful = (struct heap_site){ 0 };
}

static struct living *find_living(const struct survivors *s, struct living *rows, uint64_t key,
				  uint64_t size)
{
	size_t i = site_slot(s, key, &size);

	return s->sites[i].key ? &rows[i] : NULL;
}

static void sort_entries(const struct survivors *s, uint64_t began, struct living *rows)
{
	uint64_t end = judged_until(s);

	for (size_t i = 0; i < SLOTS; i++) {
		const struct entry *e = &s->entries[i];
		struct living *l = e->address ? find_living(s, rows, e->key, e->size) : NULL;
		bool doubtful = e->doubtful || e->size == SHARED_SIZE;

		if (!l)
			continue;
		if (e->fate == SURVIVOR_DEAD)
			l->row.site.went[quarter_of(e, began, end)]++;
		else if (e->fate == SURVIVOR_ALIVE)
			l->row.site.stayed[quarter_of(e, began, end)]++;
		if (e->fate == SURVIVOR_ALIVE)
			add_living(doubtful ? &l->doubtful : &l->row.site, e, began, end);
		else if (e->fate == SURVIVOR_UNKNOWN)
			l->row.pending++;
	}
}

static void add_sums(struct heap_sums *to, const struct heap_sums *sums)
{
	to->created += sums->created;
	to->created_bytes += sums->created_bytes;
	to->destroyed += sums->destroyed;
	to->destroyed_bytes += sums->destroyed_bytes;
}

static void merge(struct living *to, const struct living *from)
{
	add_sums(&to->row.site.sums, &from->row.site.sums);
	add_site(&to->row.site, &from->row.site);
	add_site(&to->doubtful, &from->doubtful);
	to->row.pending += from->row.pending;
}

static int by_key(const void *left, const void *right)
{
	const struct living *a = left, *b = right;

	return (a->row.key > b->row.key) - (a->row.key < b->row.key);
}

/* One row for all sizes of a place. */
static size_t merge_sizes(struct living *living, size_t n, struct survivor_row *ret)
{
	size_t kept = 0;

	if (n)
		qsort(living, n, sizeof(*living), by_key);
	for (size_t i = 0; i < n; i++) {
		if (kept && living[kept - 1].row.key == living[i].row.key)
			merge(&living[kept - 1], &living[i]);
		else
			living[kept++] = living[i];
	}
	for (size_t i = 0; i < kept; i++) {
		join(&living[i], 0);
		ret[i] = living[i].row;
	}
	return kept;
}

int survivors_rows(const struct survivors *s, uint64_t began, struct survivor_row **ret,
		   size_t *ret_n)
{
	_cleanup_free_ struct living *living = calloc(SITE_SLOTS, sizeof(*living));
	_cleanup_free_ struct slots *slots = calloc(LARGE_SIZE + 1, sizeof(*slots));
	struct survivor_row *rows = calloc(s->n_sites + 1, sizeof(*rows));
	size_t n = 0;

	if (!living || !slots || !rows) {
		free(rows);
		return -ENOMEM;
	}
	sort_entries(s, began, living);
	for (size_t i = 0; i < SITE_SLOTS; i++) {
		if (!s->sites[i].key)
			continue;
		living[i].row.key = s->sites[i].key;
		living[i].row.site.kind = "object";
		living[i].row.site.sums = s->sites[i].sums;
		add_to_slots(&slots[s->sites[i].size], &living[i]);
	}
	for (size_t i = 0; i < SITE_SLOTS; i++) {
		if (!s->sites[i].key)
			continue;
		drop_reused(&living[i], &slots[s->sites[i].size]);
		join(&living[i], SIZE_LEAST);
		living[n++] = living[i];
	}
	*ret = rows;
	*ret_n = merge_sizes(living, n, rows);
	return 0;
}

static int by_birth(const void *left, const void *right)
{
	const struct entry *const *a = left, *const *b = right;

	return ((*a)->born > (*b)->born) - ((*a)->born < (*b)->born);
}

size_t survivors_oldest(const struct survivors *s, uint64_t key, uint64_t *ret, size_t max)
{
	_cleanup_free_ const struct entry **living = calloc(SLOTS, sizeof(struct entry *));
	size_t n = 0;

	for (size_t i = 0; living && i < SLOTS; i++)
		if (s->entries[i].address && s->entries[i].key == key &&
		    s->entries[i].fate == SURVIVOR_ALIVE)
			living[n++] = &s->entries[i];
	if (n)
		qsort(living, n, sizeof(struct entry *), by_birth);
	n = n < max ? n : max;
	for (size_t i = 0; i < n; i++)
		ret[i] = living[i]->address;
	return n;
}

struct survivor_totals survivors_totals(const struct survivors *s)
{
	struct survivor_totals t = { 0 };

	for (size_t i = 0; i < SITE_SLOTS; i++) {
		t.births += s->sites[i].sums.created;
		t.bytes += s->sites[i].sums.created_bytes;
		t.deaths += s->sites[i].sums.destroyed;
	}
	for (size_t i = 0; i < SLOTS; i++)
		t.living += s->entries[i].address && s->entries[i].fate == SURVIVOR_ALIVE;
	return t;
}
