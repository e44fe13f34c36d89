// SPDX-License-Identifier: GPL-2.0-only
/* Connections of database/sql that somebody has of their pool: a query whose rows are neither read
 * to their end nor closed does not give its own back. One that was returned since the query went
 * out is another's by now. */
#include "agent/base/cleanup.h"
#include "agent/runtime/go/process.h"

static bool is_flag(uint8_t byte)
{
	return byte <= 1;
}

static bool is_used(struct go_process *p, const struct go_object *connection)
{
	uint8_t c[GO_SQL_BYTES];

	if (go_memory_read(&p->memory, connection->address, c, sizeof(c)) < 0 ||
	    go_u64(c + GO_SQL_POOL) == 0 || !is_flag(c[GO_SQL_NEED_RESET]) ||
	    !is_flag(c[GO_SQL_CLOSED]) || !is_flag(c[GO_SQL_CLOSED_FOR_GOOD]) ||
	    !is_flag(c[GO_SQL_IN_USE]))
		return false;
	return c[GO_SQL_IN_USE] && !c[GO_SQL_CLOSED] && !c[GO_SQL_CLOSED_FOR_GOOD] &&
	       go_u32(c + GO_SQL_RETURNED_AT) == connection->generation;
}

int go_users_ask(struct go_process *p, const struct go_fates_request *q, struct go_fates *ret)
{
	for (uint32_t i = 0; i < q->n; i++) {
		ret->answers[i].fate = is_used(p, &q->objects[i]) ? GO_FATE_ALIVE : GO_FATE_DEAD;
		ret->answers[i].generation = q->objects[i].generation;
	}
	return 0;
}
