// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "agent/probe/connections.h"

static bool is_wanted(const struct connections *c, uint16_t port)
{
	return c->wanted[port / 8] >> (port % 8) & 1;
}

void connections_want(struct connections *c, uint16_t port)
{
	c->wanted[port / 8] |= (uint8_t)(1 << port % 8);
}

void connections_want_none(struct connections *c)
{
	memset(c->wanted, 0, sizeof(c->wanted));
}

void connections_begin(struct connections *c)
{
	c->n = 0;
}

/* When the table is full the rest stay unknown, as ends on other hosts are. */
void connections_note(struct connections *c, pid_t pid, uint16_t local, uint16_t remote)
{
	if (c->n == CONNECTIONS_NOTED || (!is_wanted(c, local) && !is_wanted(c, remote)))
		return;
	c->noted[c->n].pid = pid;
	c->noted[c->n].local = local;
	c->noted[c->n++].remote = remote;
}

static uint16_t server_port(const struct connections *c, pid_t server, uint16_t port)
{
	for (unsigned int i = 0; i < c->n; i++)
		if (c->noted[i].pid == server && c->noted[i].remote == port)
			return c->noted[i].local;
	return 0;
}

pid_t connections_client(const struct connections *c, pid_t server, uint16_t port)
{
	uint16_t other = server_port(c, server, port);

	for (unsigned int i = 0; other && i < c->n; i++)
		if (c->noted[i].local == port && c->noted[i].remote == other)
			return c->noted[i].pid;
	return 0;
}
