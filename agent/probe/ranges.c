// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/probe/ranges.h"

/* Index of the first range that ends above the address. */
static size_t first_above(const struct ranges *r, uint64_t address)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (r->rows[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int insert_at(struct ranges *r, size_t i, const struct range *range)
{
	if (r->n == r->capacity) {
		size_t capacity = r->capacity ? 2 * r->capacity : 64;
		struct range *rows = reallocarray(r->rows, capacity, sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		r->rows = rows;
		r->capacity = capacity;
	}
	memmove(&r->rows[i + 1], &r->rows[i], (r->n - i) * sizeof(*r->rows));
	r->rows[i] = *range;
	r->n++;
	return 0;
}

static void remove_at(struct ranges *r, size_t i)
{
	r->n--;
	memmove(&r->rows[i], &r->rows[i + 1], (r->n - i) * sizeof(*r->rows));
}

/* A piece from the middle: what is above it becomes a range of its own. */
static int cut_hole(struct ranges *r, size_t i, uint64_t start, uint64_t end)
{
	struct range above = r->rows[i];
	int rc;

	above.start = end;
	rc = insert_at(r, i + 1, &above);
	if (rc == 0)
		r->rows[i].end = start;
	return rc;
}

int ranges_remove(struct ranges *r, uint64_t start, uint64_t end, range_gone gone, void *context)
{
	size_t i = first_above(r, start);

	while (i < r->n && r->rows[i].start < end) {
		struct range was = r->rows[i];
		uint64_t from = start > was.start ? start : was.start;
		uint64_t to = end < was.end ? end : was.end;
		int whole = from == was.start && to == was.end;

		if (from > was.start && to < was.end && cut_hole(r, i, from, to) < 0)
			return -ENOMEM;
		if (whole)
			remove_at(r, i);
		else if (from == was.start)
			r->rows[i++].start = to;
		else
			r->rows[i++].end = from;
		gone(context, &was, to - from, whole);
	}
	return 0;
}

int ranges_add(struct ranges *r, const struct range *range, range_gone gone, void *context)
{
	int rc = ranges_remove(r, range->start, range->end, gone, context);

	return rc < 0 ? rc : insert_at(r, first_above(r, range->start), range);
}

void ranges_clear(struct ranges *r)
{
	free(r->rows);
	*r = (struct ranges){ 0 };
}
