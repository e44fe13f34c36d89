/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sites whose objects stay in a store that was made for more of them than there are: the last so
 * many requests, events, closed connections. It fills, and then each new one takes an old one's
 * place; no watch that ends before tells it from a leak by what lives. A site that could not be
 * asked for stays blamed, and its evidence says why it is open.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/explain/survivors.h"
#include "agent/model/finding.h"
#include "agent/runtime/go/stores.h"

#define GOSTORES_ROWS 32 /* sites that are asked for, the first ones */

struct gostores {
	size_t n;
	struct gostores_row {
		size_t finding; /* its place in the list */
		const struct survivors *book;
		uint64_t key;	 /* in the book */
		size_t first, n; /* of its objects in the question */
	} rows[GOSTORES_ROWS];
	uint64_t lost[LOSS_REASON_MAX]; /* sites that stay open, but for what the reader counts */
};

/* Note the site of the last finding; where there is no room it stays open. The book is to outlive
 * the notes. */
void gostores_note(struct gostores *s, struct findings *list, const struct survivors *book,
		   uint64_t key);

/* Fill in the question, and each row's part of it. */
void gostores_ask_for(struct gostores *s, struct go_stores_request *ret);

/*
 * Where three quarters of a site's objects are in stores with room, its finding becomes undecided,
 * and its evidence says why. Others stay open if not all was searched.
 */
void gostores_forgive(struct gostores *s, const struct go_stores *answer, struct findings *list);

/* There is no answer: all stay open. error: as of go_stores_ask. */
void gostores_give_up(struct gostores *s, int error, struct findings *list);
