/* SPDX-License-Identifier: GPL-2.0-only */
/* Places of the book of transactions: one server and one stack that wrote to it. */
#pragma once

#include "agent/explain/transaction/book.h"

/* Who left transactions open, or uses them. */
struct place {
	struct transaction_row server; /* its remote end counts */
	uint64_t *pcs;
	size_t n_pcs;
	struct site_frame *frames;
	size_t n_frames;
	uint64_t created, destroyed;
	struct place *next;
};

/* Whether their remote ends are one. */
bool places_same_server(const struct transaction_row *a, const struct transaction_row *b);

/* The place of a list with that server and stack, added when it is new; NULL when out of memory. */
struct place *places_get(struct place **list, const struct transaction_row *row,
			 const uint64_t *pcs, size_t n);
void places_free(struct place *list);

/* Give each its frames, as transaction_book_name. */
void places_name(struct place *list,
		 int (*f)(void *context, const uint64_t *pcs, size_t n, struct site_frame **ret,
			  size_t *ret_n),
		 void *context);

/*
 * By what a server is used: the innermost function that all places of the list with that server
 * have in their stacks. Where in the stack of the one returned it is goes to *ret; NULL when they
 * have nothing in common.
 */
const struct place *places_user(const struct place *list, const struct transaction_row *server,
				size_t *ret);
