/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Offsets in the runtime's structures, by minor version (amd64; the same in every release of a
 * minor, from the debug information of programs built by each). Whether they hold for this program
 * is checked against the program itself, and what can be derived from it needs no table.
 */
#pragma once

#include "agent/runtime/go/memory.h"
#include "agent/runtime/go/objects.h"
#include "agent/runtime/go/variables.h"

#define GO_G_BYTES_MAX	   512 /* of a goroutine's struct, as far as it is read */
#define GO_TIMER_BYTES_MAX 96  /* of a timer's */

struct go_layout {
	uint32_t minor; /* 0: derived */

	/* struct g; status is four bytes, wait_reason one, the rest eight. The stack's bounds are
	 * its first two words. */
	uint16_t g_sp, g_pc, g_bp;
	uint16_t g_status, g_goid, g_wait_since, g_wait_reason, g_gopc, g_startpc;
	uint16_t g_bytes; /* to be read of each */

	/* struct p: its timers are a slice of *timer, or since 1.23 a struct whose heap is a slice
	 * of pairs (*timer, when). */
	uint16_t p_timers;
	bool timer_pairs;
	uint16_t timer_when, timer_period, timer_callback, timer_argument, timer_state, timer_owner;
	uint16_t timer_bytes;

	/* struct mstats */
	uint16_t stats_cycles, stats_cpu_fraction, stats_buckhash;

	/* struct gcControllerState; percent at 0, memory_limit at 8 */
	uint16_t gc_live, gc_marked, gc_total_alloc, gc_total_free, gc_mapped_ready;

	uint16_t http_idle_at; /* in net/http.persistConn */
};

/* In database/sql.driverConn, in all of these versions: the pool; four words of a time and a mutex;
 * the driver's connection; needReset, closed and finalClosed; a map; inUse; returnedAt. */
enum {
	GO_SQL_POOL = 0,
	GO_SQL_NEED_RESET = 56,
	GO_SQL_CLOSED = 57,
	GO_SQL_CLOSED_FOR_GOOD = 58,
	GO_SQL_IN_USE = 72,
	GO_SQL_RETURNED_AT = 80,
	GO_SQL_BYTES = 96 /* to be read of each */
};

/*
 * Offset in a connection of when its last user gave it back, a time.Time, by whose low half uses
 * are told apart; births: those of requests or queries. 0 when it is not known, or for other
 * births.
 */
uint32_t go_layout_stamp(const struct go_layout *l, enum go_births births);

/* The table's row of a minor version; for one that is not in it the one before, with minor 0. */
void go_layout_of(uint32_t minor, struct go_layout *ret);

/*
 * Check the offsets of goroutines against the program, and derive them when they do not hold or
 * the version is unknown. 0, or -EPROTO when that cannot be done.
 */
int go_layout_goroutines(struct go_layout *l, struct go_module *m, const struct go_variables *v);

/* The same of timers, given one processor's address. -EAGAIN while it has no timer to check by. */
int go_layout_timers(struct go_layout *l, struct go_module *m, uint64_t p);
