// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>

#include "agent/base/cleanup.h"
#include "agent/explain/go/channels.h"

#define PULLS_TO_JUDGE 6
#define LEAST	       8    /* items from one third of the watch to the last */
#define MIDDLE_PART    0.25 /* of what it gained, by the middle of the watch: a burst has none */
#define FELL_PART      0.1  /* of what it gained, that it may fall between two pulls */

static struct gochannel *find(struct gochannels *c, uint64_t address, uint64_t capacity)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->rows[i].address == address && c->rows[i].capacity == capacity)
			return &c->rows[i];
	return NULL;
}

const struct gochannel *gochannels_find(const struct gochannels *c, const struct go_channel *of)
{
	return find((struct gochannels *)c, of->address, of->capacity);
}

/* Forward in its ring; once around between two pulls is not seen. */
static uint64_t moved(uint64_t from, uint64_t to, uint64_t capacity)
{
	return (to + capacity - from) % capacity;
}

static void enter(struct gochannel *c, const struct go_channel *seen, double at)
{
	if (c->n) {
		c->sent += moved(c->sent_at, seen->sent_at, c->capacity);
		c->taken += moved(c->taken_at, seen->taken_at, c->capacity);
	}
	c->sent_at = seen->sent_at;
	c->taken_at = seen->taken_at;
	c->at[c->n] = at;
	c->items[c->n++] = seen->items;
}

void gochannels_add(struct gochannels *c, const struct go_report *r, double at)
{
	for (uint32_t i = 0; i < r->n_channels; i++) {
		const struct go_channel *seen = &r->channels[i];
		struct gochannel *row = find(c, seen->address, seen->capacity);

		if (!seen->capacity || seen->sent_at >= seen->capacity ||
		    seen->taken_at >= seen->capacity)
			continue;
		if (!row && c->n < GOCHANNELS_MAX) {
			row = &c->rows[c->n++];
			*row = (struct gochannel){ .address = seen->address,
						   .capacity = seen->capacity };
		}
		if (row && row->n < GO_PULLS)
			enter(row, seen, at);
	}
}

struct range {
	uint64_t least, most;
};

static struct range range_of(const struct gochannel *c, unsigned int from, unsigned int to)
{
	struct range r = { UINT64_MAX, 0 };

	for (unsigned int i = from; i < to; i++) {
		r.least = c->items[i] < r.least ? c->items[i] : r.least;
		r.most = c->items[i] > r.most ? c->items[i] : r.most;
	}
	return r;
}

static bool falls(const struct gochannel *c, uint64_t gained)
{
	for (unsigned int i = 1; i < c->n; i++)
		if (c->items[i] < c->items[i - 1] &&
		    (double)(c->items[i - 1] - c->items[i]) > FELL_PART * (double)gained)
			return true;
	return false;
}

static bool fills(const struct gochannel *c)
{
	unsigned int third = c->n / 3;
	struct range first = range_of(c, 0, third);
	struct range middle = range_of(c, third, c->n - third);
	struct range last = range_of(c, c->n - third, c->n);

	uint64_t gained = last.least > first.most ? last.least - first.most : 0;

	return gained >= LEAST && middle.least >= first.most && middle.most <= last.least &&
	       (double)(middle.most - first.most) >= MIDDLE_PART * (double)gained &&
	       !falls(c, gained);
}

enum site_verdict gochannel_judge(const struct gochannel *c)
{
	struct range all = range_of(c, 0, c->n);
	bool never_taken = c->taken == 0 && c->taken_at == 0;

	if (c->n < PULLS_TO_JUDGE)
		return SITE_UNDECIDED;
	if (all.least >= c->capacity / 2 + 1)
		return SITE_KEEPS;
	if (fills(c) && (c->taken || never_taken))
		return SITE_KEEPS;
	if (all.least <= all.most / 2 && c->items[c->n - 1] <= all.most / 2)
		return SITE_RETURNS;
	return SITE_UNDECIDED;
}

double gochannel_growth(const struct gochannel *c)
{
	unsigned int last = c->n - 1;

	if (c->n < 2 || !(c->at[last] > c->at[0]))
		return NAN;
	return ((double)c->items[last] - (double)c->items[0]) / (c->at[last] - c->at[0]) * 3600;
}
