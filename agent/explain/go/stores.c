// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>

#include "agent/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/explain/go/stores.h"

#define HELD_PART 0.75

/* Why it is not known who holds the objects of a site. */
struct lack {
	int error; /* of the answer */
	enum loss_reason reason;
	const char *words;
};

#define COUNTED_BY_READER LOSS_REASON_MAX

static const struct lack errors[] = {
	{ -E2BIG, LOSS_REFUSED, "its heap is larger than what is searched" },
	{ -ETIME, LOSS_TIMEOUT, "the search took too long" },
	{ -ETIMEDOUT, COUNTED_BY_READER, "the search took too long" },
	{ -EPIPE, COUNTED_BY_READER, "the search failed" },
	{ -ENXIO, LOSS_NOT_PRESENT, "its heap is not in memory" },
	{ -ESRCH, LOSS_VANISHED, "the process ended" },
	{ -ENOMEM, LOSS_NO_MEMORY, "there is no memory to search it" },
};
static const struct lack unreadable = { 0, LOSS_READ_FAULT, "its heap could not be read" };
static const struct lack no_room = { 0, LOSS_REFUSED, "so many sites are not asked for" };
static const struct lack no_object = { 0, LOSS_VANISHED, "none of them is known to live" };
static const struct lack cut = { 0, LOSS_REFUSED, "more leads to them than is followed" };
static const struct lack away = { 0, LOSS_NOT_PRESENT, "part of the heap is not in memory" };

static void leave_open(struct gostores *s, const struct lack *why, struct finding *f)
{
	if (why->reason != COUNTED_BY_READER)
		s->lost[why->reason]++;
	text_append(f->evidence, sizeof(f->evidence),
		    "%swhether a store that was made with room holds them is open: %s",
		    *f->evidence ? "; " : "", why->words);
}

void gostores_note(struct gostores *s, struct findings *list, const struct survivors *book,
		   uint64_t key)
{
	if (s->n < GOSTORES_ROWS)
		s->rows[s->n++] = (struct gostores_row){ list->n - 1, book, key, 0, 0 };
	else
		leave_open(s, &no_room, &list->rows[list->n - 1]);
}

void gostores_ask_for(struct gostores *s, struct go_stores_request *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < s->n; i++) {
		struct gostores_row *row = &s->rows[i];

		row->first = ret->n;
		row->n = survivors_oldest(row->book, row->key, ret->addresses + ret->n,
					  GO_STORES_OBJECTS / s->n);
		ret->n += (uint32_t)row->n;
	}
}

static void tell(const struct go_store *store, struct finding *f)
{
	char bytes[32], filled[32];

	text_format_bytes((double)store->bytes, bytes, sizeof(bytes));
	text_format_bytes((double)store->filled, filled, sizeof(filled));
	f->verdict = SITE_UNDECIDED;
	snprintf(f->evidence, sizeof(f->evidence),
		 "stays in a store that was made with room for more: %s, of which %s are filled; "
		 "what becomes of it when it is full is open",
		 bytes, filled);
}

/* What was not seen of those that no store was found for; NULL: nothing. */
static const struct lack *lack_of(const struct gostores_row *row, const struct go_stores *answer)
{
	if (row->n == 0)
		return &no_object;
	if (answer->cut)
		return &cut;
	return answer->unread.absent || answer->unread.swapped ? &away : NULL;
}

void gostores_forgive(struct gostores *s, const struct go_stores *answer, struct findings *list)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct gostores_row *row = &s->rows[i];
		const struct lack *lack = lack_of(row, answer);
		const struct go_store *store = NULL;
		size_t held = 0;

		for (size_t k = row->first; k < row->first + row->n && k < answer->n; k++) {
			if (!answer->rows[k].address)
				continue;
			store = &answer->rows[k];
			held++;
		}
		if (store && (double)held >= HELD_PART * (double)row->n)
			tell(store, &list->rows[row->finding]);
		else if (lack)
			leave_open(s, lack, &list->rows[row->finding]);
	}
}

void gostores_give_up(struct gostores *s, int error, struct findings *list)
{
	const struct lack *lack = &unreadable;

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i].error == error)
			lack = &errors[i];
	for (size_t i = 0; i < s->n; i++)
		leave_open(s, lack, &list->rows[s->rows[i].finding]);
}
