/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which transactions of a process are left open: from what was heard of its connections, look by
 * look, to findings. Knows no BPF and no process; times are seconds of CLOCK_MONOTONIC.
 *
 * A transaction counts as left open when the server has waited for its client for long, and for
 * most of the time since it began: a long one whose statements follow each other is at work.
 *
 * Of one that is older than the watch nobody saw who left it open; the function by which all who
 * were seen use transactions of the same server is named then, and said to be no more than that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/model/finding.h"
#include "bpf/transaction.h"

#define TRANSACTION_IDLE_SECONDS  2.0 /* the server waited this long: left open */
#define TRANSACTION_KEEPS_SECONDS 5.0 /* and open for this long at the end: keeps */

struct transaction_book;

/* Whether servers, or poolers before them, listen on it by default. */
bool transaction_is_server_port(uint16_t port);

/* The stack of who wrote to a descriptor at about that time (ns), as addresses; 0 for none. */
typedef size_t (*transaction_stack)(void *context, uint32_t fd, uint64_t sent,
				    uint64_t ret_pcs[SITE_FRAMES]);

int transaction_book_new(transaction_stack stack, void *context, struct transaction_book **ret);
void transaction_book_free(struct transaction_book *b);

/* A look at all connections: begin, each row, end. What is not shown is closed. Out of memory, rows
 * are lost and counted. */
void transaction_book_begin(struct transaction_book *b);
void transaction_book_row(struct transaction_book *b, const struct transaction_row *row);
void transaction_book_end(struct transaction_book *b);

/* Rows that found no memory. */
uint64_t transaction_book_lost(const struct transaction_book *b);

/* Give each place that left transactions open its frames, by f, which fills an owned list. */
void transaction_book_name(struct transaction_book *b,
			   int (*f)(void *context, const uint64_t *pcs, size_t n,
				    struct site_frame **ret, size_t *ret_n),
			   void *context);

/* Append a finding for each (server, place). seconds: how long was looked. 0 or -ENOMEM. */
int transaction_book_findings(const struct transaction_book *b, double seconds,
			      struct findings *ret);
