// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/ages.h"

#define TICKS 10 /* a second: 13 years in 32 bits */

struct entry {
	uint64_t identity;
	uint32_t number;
	uint32_t first_seen; /* ticks since the epoch below */
};

struct segment {
	uint64_t table;
	uint32_t begin, end; /* entries */
};

struct census {
	struct entry *entries;
	struct segment *segments;
	uint32_t n_entries, max_entries, n_segments, max_segments;
};

struct ages {
	double epoch; /* of the first object */
	struct census last, current;
	uint32_t cursor, cursor_end; /* in last, of the table at hand */
};

struct ages *ages_new(void)
{
	return calloc(1, sizeof(struct ages));
}

static void census_free(struct census *c)
{
	free(c->entries);
	free(c->segments);
}

void ages_free(struct ages *a)
{
	if (!a)
		return;
	census_free(&a->last);
	census_free(&a->current);
	free(a);
}

/* Give back what a process no longer uses, once it has shrunk to a quarter. */
static void census_trim(struct census *c)
{
	struct entry *smaller;

	if (c->max_entries < 64 || c->n_entries > c->max_entries / 4)
		return;
	smaller = realloc(c->entries, 2 * (c->n_entries + 1) * sizeof(*smaller));
	if (!smaller)
		return;
	c->entries = smaller;
	c->max_entries = 2 * (c->n_entries + 1);
}

void ages_begin(struct ages *a)
{
	struct census spare = a->last;

	a->last = a->current;
	a->current = spare;
	census_trim(&a->current);
	a->current.n_entries = a->current.n_segments = 0;
	a->cursor = a->cursor_end = 0;
}

/* Room for one more element of the given size; 0 or -ENOMEM. */
static int reserve(void **array, uint32_t n, uint32_t *max, size_t size)
{
	uint32_t wanted = n < 4 ? 4 : n + n / 2;
	void *grown;

	if (n < *max)
		return 0;
	grown = realloc(*array, wanted * size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*max = wanted;
	return 0;
}

int ages_table(struct ages *a, uint64_t table)
{
	struct census *c = &a->current;

	a->cursor = a->cursor_end = 0;
	for (uint32_t i = 0; i < a->last.n_segments; i++) {
		if (a->last.segments[i].table != table)
			continue;
		a->cursor = a->last.segments[i].begin;
		a->cursor_end = a->last.segments[i].end;
	}
	if (reserve((void **)&c->segments, c->n_segments, &c->max_segments, sizeof(*c->segments)))
		return -ENOMEM;
	c->segments[c->n_segments++] = (struct segment){ table, c->n_entries, c->n_entries };
	return 0;
}

/* The tick at which the last census says that the object was first seen, or this one. */
static uint32_t find_first_seen(struct ages *a, uint32_t number, uint64_t identity, uint32_t now)
{
	const struct entry *e = a->last.entries;

	while (a->cursor < a->cursor_end && e[a->cursor].number < number)
		a->cursor++;
	if (a->cursor < a->cursor_end && e[a->cursor].number == number &&
	    e[a->cursor].identity == identity)
		return e[a->cursor].first_seen;
	return now;
}

double ages_seen(struct ages *a, uint32_t number, uint64_t identity, double now)
{
	struct census *c = &a->current;
	uint32_t first;

	if (!a->epoch)
		a->epoch = now;
	first = find_first_seen(a, number, identity, (uint32_t)((now - a->epoch) * TICKS));
	if (c->n_segments &&
	    !reserve((void **)&c->entries, c->n_entries, &c->max_entries, sizeof(*c->entries))) {
		c->entries[c->n_entries++] = (struct entry){ identity, number, first };
		c->segments[c->n_segments - 1].end = c->n_entries;
	}
	return a->epoch + (double)first / TICKS;
}
