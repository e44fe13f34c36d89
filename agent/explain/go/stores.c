// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "agent/base/text.h"
#include "agent/explain/go/stores.h"

#define HELD_PART 0.75

void gostores_note(struct gostores *s, size_t finding, const struct survivors *book, uint64_t key)
{
	if (s->n < GOSTORES_ROWS)
		s->rows[s->n++] = (struct gostores_row){ finding, book, key, 0, 0 };
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

void gostores_forgive(const struct gostores *s, const struct go_stores *answer,
		      struct findings *list)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct gostores_row *row = &s->rows[i];
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
	}
}
