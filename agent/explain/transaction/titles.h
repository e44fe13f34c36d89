/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What PostgreSQL servers on this host say in their titles: the ports of their clients, and what
 * was open before a watch began, since they tell which of these are idle in transaction.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/sites/reader.h"
#include "bpf/transaction.h"

struct transaction_titles {
	uint8_t servers[65536 / 8]; /* ports that they listen on, a bit each */
	uint8_t clients[65536 / 8]; /* ports of their clients */
	uint8_t open[65536 / 8];    /* of these, idle in transaction */
	uint64_t time;		    /* when they were read: ns, CLOCK_MONOTONIC */
};

/* What cannot be read says nothing. */
void transaction_titles_read(struct transaction_titles *t, struct reader *reader);

/* A connection by loopback of which nothing was heard, and which was open then, is open still: say
 * so in its row. */
void transaction_titles_apply(const struct transaction_titles *t, struct transaction_row *row);

/* Whether a connection goes by loopback, and so to a server whose title may be read. */
bool transaction_is_loopback(const struct transaction_row *row);
/* Whether it is one of those that the titles told of. Others may have the port of a client too, but
 * not to a port that such a server listens on. */
bool transaction_titles_serve(const struct transaction_titles *t,
			      const struct transaction_row *row);
