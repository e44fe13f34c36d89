// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "agent/state/journal.h"

struct entry_header {
	uint32_t size, crc;
};

struct journal_header journal_begin(uint64_t generation)
{
	struct journal_header h = { "seep-jo", .generation = generation };

	h.crc = bytes_crc(0, &h, offsetof(struct journal_header, crc));
	return h;
}

struct writer {
	struct bytes *values, *out;
	struct bytes changes;
	uint32_t number; /* of the last change */
};

static uint32_t count_known(const struct writer *w)
{
	return (uint32_t)(w->values->n / sizeof(float));
}

/* New series of an owner: numbered, with a value that the changes will differ from. */
static void put_new(void *context, const struct owner *o, struct model_cell *cells)
{
	struct writer *w = context;
	const float none = NAN;
	uint8_t slots[SLOT_MAX], n = 0;

	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		if (!cells[s].series || series_number(cells[s].series))
			continue;
		bytes_put(w->values, &none, sizeof(none));
		series_set_number(cells[s].series, count_known(w));
		slots[n++] = (uint8_t)s;
	}
	if (!n)
		return;
	owner_put(w->out, o);
	bytes_put_byte(w->out, n);
	bytes_put(w->out, slots, n);
}

static void put_changes(void *context, const struct owner *o, struct model_cell *cells)
{
	struct writer *w = context;

	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		uint32_t number = cells[s].series ? series_number(cells[s].series) : 0;
		float value, *last;

		if (!number || number > count_known(w))
			continue;
		last = (float *)w->values->data + (number - 1);
		value = series_take_added(cells[s].series);
		if (value == *last || (isnan(value) && isnan(*last)))
			continue;
		*last = value;
		/* Wraps where the order of owners is not that of numbers, and wraps back. */
		bytes_put_count(w->out, (uint32_t)(number - w->number));
		bytes_put(w->out, &value, sizeof(value));
		w->number = number;
	}
}

int journal_entry(struct model *m, struct bytes *values, struct bytes *entry)
{
	struct writer w = { .values = values, .out = entry };
	struct entry_header h = { 0 };

	entry->n = 0;
	bytes_put(entry, &h, sizeof(h));
	bytes_put(entry, &m->now, sizeof(m->now));
	owners_visit(m, put_new, &w);
	bytes_put_byte(entry, OWNER_END);
	if (!values->failed)
		owners_visit(m, put_changes, &w);
	if (entry->failed || values->failed)
		return -ENOMEM;
	h.size = (uint32_t)(entry->n - sizeof(h));
	h.crc = bytes_crc(0, entry->data + sizeof(h), h.size);
	memcpy(entry->data, &h, sizeof(h));
	return 0;
}

/* It has no value yet: that is told as a change. */
static int get_new_series(struct cursor *c, struct saved *s, enum owner_kind whose)
{
	struct series *series = series_new(whose == OWNER_GROUP);

	return series ? saved_add_series(s, cursor_get_byte(c), series, NAN) : -ENOMEM;
}

static int get_changes(struct cursor *c, struct saved *s)
{
	uint32_t number = 0;

	while (c->at < c->end) {
		float value;

		number += (uint32_t)cursor_get_count(c);
		cursor_get(c, &value, sizeof(value));
		if (c->bad || number == 0 || number > s->n_series || isinf(value))
			return -EBADMSG;
		s->series[number - 1].value = value;
	}
	return 0;
}

static int replay_entry(struct cursor *c, struct saved *s)
{
	double now;
	int r;

	cursor_get(c, &now, sizeof(now));
	if (!isfinite(now))
		return -EBADMSG;
	r = saved_get_owners(c, s, get_new_series);
	if (r == 0)
		r = get_changes(c, s);
	if (r == 0)
		saved_pass(s, now);
	return r;
}

/* The next entry that is whole and right. False at the end, be it torn, and when damaged. */
static bool next_entry(struct cursor *c, struct cursor *ret, bool *ret_damaged)
{
	struct entry_header h;

	cursor_get(c, &h, sizeof(h));
	ret->at = cursor_skip(c, h.size);
	if (c->bad)
		return false;
	ret->end = c->at;
	ret->bad = false;
	*ret_damaged = !h.size || bytes_crc(0, ret->at, h.size) != h.crc;
	return !*ret_damaged;
}

size_t journal_replay(const uint8_t *data, size_t size, struct saved *s, bool *ret_damaged)
{
	struct journal_header h, good;
	struct cursor c = { data, data + size, false }, entry;
	size_t n = 0;

	cursor_get(&c, &h, sizeof(h));
	good = journal_begin(h.generation);
	*ret_damaged = !c.bad && memcmp(&h, &good, sizeof(h)) != 0;
	if (c.bad || *ret_damaged || h.generation != s->generation)
		return 0;
	while (next_entry(&c, &entry, ret_damaged)) {
		if (replay_entry(&entry, s) < 0) {
			*ret_damaged = true;
			break;
		}
		n++;
	}
	return n;
}
