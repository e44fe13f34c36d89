/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Transactions left open, of PostgreSQL servers that run on this host: a server process that waits
 * for its client within a transaction says so in its title. One that did not run between two looks
 * waits in the same transaction still; it is counted for the client's process where that is here,
 * else for the server's own. The scheduler's count of its run time tells without asking the
 * process; only one that ran has its title read, in the sandboxed reader, with a deadline.
 *
 * The age is that of the waiting as far as it was seen: a census interval less than it is, at most.
 */
#pragma once

#include "agent/model/model.h"
#include "agent/probe/connections.h"
#include "agent/sites/late_reader.h"

struct backend_census;

/* The reader outlives the census. */
int backend_census_new(struct late_reader *reader, struct backend_census **ret);
void backend_census_free(struct backend_census *c);

/* What the descriptor census is to note. */
struct connections *backend_census_connections(struct backend_census *c);

/* After the descriptor census; fills SLOT_TRANSACTION. */
void backend_census_run(struct backend_census *c, struct model *m);
