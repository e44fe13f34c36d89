// SPDX-License-Identifier: GPL-2.0-only
/* Connections of database/sql that somebody has of their pool: a query whose rows are neither read
 * to their end nor closed does not give its own back. One that was returned since the query went
 * out is another's by now. */
#include "agent/base/cleanup.h"
#include "agent/runtime/go/process.h"

/* In database/sql.driverConn, in all versions: the pool; four words of a time and a mutex; the
 * driver's connection; needReset, closed and finalClosed; a map; inUse; returnedAt. */
enum {
	POOL = 0,
	FLAGS = 56,
	CLOSED = 57,
	CLOSED_FOR_GOOD = 58,
	IN_USE = 72,
	CONNECTION_BYTES = 96
};

static bool is_flag(uint8_t byte)
{
	return byte <= 1;
}

static bool is_used(struct go_process *p, const struct go_object *connection)
{
	uint8_t c[CONNECTION_BYTES];

	if (go_memory_read(&p->memory, connection->address, c, sizeof(c)) < 0 ||
	    go_u64(c + POOL) == 0 || !is_flag(c[FLAGS]) || !is_flag(c[CLOSED]) ||
	    !is_flag(c[CLOSED_FOR_GOOD]) || !is_flag(c[IN_USE]))
		return false;
	return c[IN_USE] && !c[CLOSED] && !c[CLOSED_FOR_GOOD] &&
	       go_u32(c + go_layout_stamp(&p->layout, GO_BIRTHS_QUERIES)) == connection->generation;
}

int go_users_ask(struct go_process *p, const struct go_fates_request *q, struct go_fates *ret)
{
	for (uint32_t i = 0; i < q->n; i++) {
		ret->answers[i].fate = is_used(p, &q->objects[i]) ? GO_FATE_ALIVE : GO_FATE_DEAD;
		ret->answers[i].generation = q->objects[i].generation;
	}
	return 0;
}
