/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was open before a watch began: the titles of PostgreSQL servers on this host tell which of
 * their clients' ports are idle in transaction.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/sites/reader.h"
#include "bpf/transaction.h"

struct transaction_titles {
	uint8_t open[65536 / 8]; /* clients' ports, a bit each */
	uint64_t time;		 /* when they were read: ns, CLOCK_MONOTONIC */
};

/* What cannot be read says nothing. */
void transaction_titles_read(struct transaction_titles *t, struct reader *reader);

/* A connection by loopback of which nothing was heard, and which was open then, is open still: say
 * so in its row. */
void transaction_titles_apply(const struct transaction_titles *t, struct transaction_row *row);
