/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pools of connections in the reader child: each *sql.DB (struct DB of src/database/sql/sql.go).
 * OpenDB starts a goroutine for each that lives as long and waits with the pool at hand; so a word
 * of its stack leads there, and what it leads to is believed when it holds together.
 */
#pragma once

#include "agent/runtime/go/memory.h"
#include "agent/runtime/go/report.h"

#define GO_SQL_CALLS 8	 /* calls of Open and OpenDB, as far as they are kept */
#define GO_DB_BYTES  192 /* of a struct DB, as far as it is read */

/* Where the package's code is; learned once for each program. */
struct go_sql {
	bool searched, scanned;
	uint64_t low, high;	/* its functions; 0 when the program has none */
	uint64_t open, open_db; /* entries of Open and OpenDB; 0 when not linked */
	uint64_t open_db_end;
	uint32_t n_calls; /* of these from elsewhere; above GO_SQL_CALLS: there are too many */
	uint64_t calls[GO_SQL_CALLS]; /* return addresses */
	unsigned int scans;	      /* that told no users */
	uint32_t n_known;	      /* pools that the last of them found */
	uint64_t known[GO_POOLS_MAX];
};

/* Offsets, of both layouts: since Go 1.23 the requests that wait are a slice, before a map. */
struct go_db_layout {
	uint16_t open, opener, max_idle, max_open, wait_count, idle_closed;
	bool slice;
};

struct go_db {
	uint64_t open, idle, waiting, waited, closed, idle_closed, max_open;
	int64_t max_idle;
	uint64_t opener; /* address of its channel */
};

/* Whether these bytes can be a pool of that layout, but for its channel. requests: the address of
 * the map of those that wait, or 0. */
bool go_db_parse(const uint8_t *bytes, const struct go_db_layout *l, struct go_db *ret,
		 uint64_t *ret_requests);

/* Which layout to try first in a program of that minor version, and which then. */
const struct go_db_layout *go_db_layout_of(uint32_t minor, bool other);
