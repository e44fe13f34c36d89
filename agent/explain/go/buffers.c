// SPDX-License-Identifier: GPL-2.0-only
#include "agent/explain/go/buffers.h"

#include <stdlib.h>
#include <string.h>

#include "agent/explain/looks.h"

#define LOOKS_LEAST 4
#define GROWN_LEAST 65536 /* bytes */
#define SEEN_PART   0.75  /* of the watch */
#define EMPTIEST    0.33  /* filled part of an array that has just moved */

/* Of an object of the sample, which is small as a rule, and moves when it is full. */
#define FILLED_LEAST 64
#define FILLING_PART (1. / 3)
#define EXPLAINED    0.5 /* of a heap's growth: who could be less is not what grows */

bool gobuffer_is_current(const struct gobuffers *b, const struct gobuffer *row)
{
	return b->looks && row->last == b->looks - 1;
}

/* At the same place, when that was so at the last look. */
static struct gobuffer *find_place(struct gobuffers *b, const struct go_buffer *seen)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->rows[i].address == seen->address && b->rows[i].bytes == seen->bytes &&
		    gobuffer_is_current(b, &b->rows[i]))
			return &b->rows[i];
	return NULL;
}

/* Of which this is the copy in a larger object. What was copied stays until a collection, and a
 * copy that is seen beside it takes over. */
static struct gobuffer *find_origin(struct gobuffers *b, const struct go_buffer *seen)
{
	struct gobuffer *best = NULL;

	for (size_t i = 0; i < b->n && seen->head; i++) {
		struct gobuffer *row = &b->rows[i];

		if (row->head == seen->head && row->bytes < seen->bytes &&
		    gobuffer_is_current(b, row) && row->filled[row->last] <= seen->filled &&
		    (!best || row->bytes > best->bytes))
			best = row;
	}
	return best;
}

/* What a larger copy was made of, and no collection took yet: nobody writes to it any more. */
static bool is_left_behind(const struct gobuffers *b, const struct go_buffer *seen)
{
	for (size_t i = 0; i < b->n && seen->head; i++) {
		const struct gobuffer *row = &b->rows[i];

		if (row->head == seen->head && row->bytes > seen->bytes &&
		    row->filled[row->last] >= seen->filled &&
		    (row->last == b->looks || gobuffer_is_current(b, row)))
			return true;
	}
	return false;
}

static struct gobuffer *fresh_row(struct gobuffers *b)
{
	struct gobuffer *row = NULL;

	if (b->n < GOBUFFERS_MAX)
		return &b->rows[b->n++];
	for (size_t i = 0; i < b->n && !row; i++)
		if (!gobuffer_is_current(b, &b->rows[i]) && b->rows[i].last != b->looks)
			row = &b->rows[i];
	return row;
}

static void enter(struct gobuffers *b, struct gobuffer *row, const struct go_buffer *seen)
{
	row->shrunk |= row->last != b->looks && seen->filled < row->filled[row->last];
	row->address = seen->address;
	row->bytes = seen->bytes;
	row->head = seen->head;
	row->last = b->looks;
	row->filled[b->looks] = seen->filled;
}

static void add_moved(struct gobuffers *b, const struct go_buffer *seen)
{
	struct gobuffer *row;

	if (is_left_behind(b, seen))
		return;
	row = find_origin(b, seen);
	if (row) {
		row->whole = row->moved = true;
	} else {
		row = fresh_row(b);
		if (!row)
			return;
		*row = (struct gobuffer){ .first = b->looks, .last = b->looks };
	}
	enter(b, row, seen);
}

static int larger_first(const void *left, const void *right)
{
	const struct go_buffer *a = left, *b = right;

	return (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

/* What moved comes first: the largest copy takes over from what still lies at old places. */
void gobuffers_add(struct gobuffers *b, const struct go_buffer *seen, size_t n, double at)
{
	bool placed[GO_BUFFERS_MAX] = { false };
	struct go_buffer sorted[GO_BUFFERS_MAX];

	if (b->looks == GOBUFFERS_LOOKS)
		return;
	memcpy(sorted, seen, n * sizeof(seen[0]));
	qsort(sorted, n, sizeof(sorted[0]), larger_first);
	for (size_t i = 0; i < n; i++)
		placed[i] = find_place(b, &sorted[i]) != NULL;
	for (size_t i = 0; i < n; i++)
		if (!placed[i])
			add_moved(b, &sorted[i]);
	for (size_t i = 0; i < n; i++) {
		struct gobuffer *row = placed[i] ? find_place(b, &sorted[i]) : NULL;

		if (row)
			enter(b, row, &sorted[i]);
	}
	b->at[b->looks++] = at;
}

uint64_t gobuffer_grown(const struct gobuffer *row)
{
	uint64_t first = row->filled[row->first], last = row->filled[row->last];

	return last > first ? last - first : 0;
}

static double seconds(const struct gobuffers *b, const struct gobuffer *row)
{
	return b->at[row->last] - b->at[row->first];
}

double gobuffer_rate(const struct gobuffers *b, const struct gobuffer *row)
{
	return seconds(b, row) > 0 ? (double)gobuffer_grown(row) / seconds(b, row) : 0;
}

static bool grows_by(const struct gobuffers *b, const struct gobuffer *row, uint64_t least)
{
	unsigned int n = row->last - row->first + 1;

	return gobuffer_is_current(b, row) && n >= LOOKS_LEAST && !row->shrunk &&
	       gobuffer_grown(row) >= least &&
	       looks_grow_in_both_halves(b->at + row->first, row->filled + row->first, n);
}

static double watched(const struct gobuffers *b)
{
	return b->looks ? b->at[b->looks - 1] - b->at[0] : 0;
}

bool gobuffer_grows(const struct gobuffers *b, const struct gobuffer *row)
{
	return grows_by(b, row, GROWN_LEAST);
}

bool gobuffer_fills(const struct gobuffers *b, const struct gobuffer *row)
{
	return grows_by(b, row, FILLED_LEAST) && seconds(b, row) >= FILLING_PART * watched(b);
}

/* Of an array that has not moved: append and bytes.Buffer leave none emptier than that, and when it
 * is full they move it. */
static bool may_move(const struct gobuffer *row)
{
	return (double)row->filled[row->first] >= EMPTIEST * (double)row->bytes &&
	       row->filled[row->last] < row->bytes;
}

bool gobuffer_keeps(const struct gobuffers *b, const struct gobuffer *row)
{
	return gobuffer_grows(b, row) && seconds(b, row) >= SEEN_PART * watched(b) && row->whole &&
	       (row->moved || may_move(row));
}

size_t gobuffers_count(const struct gobuffers *b, gobuffer_is is)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += is(b, &b->rows[i]);
	return n;
}

bool gobuffers_explain(const struct gobuffers *b, double heap, double grown)
{
	size_t all = gobuffers_count(b, gobuffer_is_current);

	return all &&
	       heap * (double)gobuffers_count(b, gobuffer_fills) / (double)all >= EXPLAINED * grown;
}
