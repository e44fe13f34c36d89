// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "agent/base/cleanup.h"
#include "agent/base/message.h"
#include "agent/explain/transaction/titles.h"
#include "agent/probe/backend_title.h"
#include "agent/probe/identity.h"
#include "agent/probe/listening.h"

#define TITLE	   256
#define SERVERS	   512	       /* titles read at most */
#define READING_NS 2000000000u /* for all of them */

static bool is_server(pid_t pid)
{
	_cleanup_free_ char *program = identity_program(pid);

	return backend_is_server(program);
}

static void set(uint8_t *ports, uint16_t port)
{
	ports[port / 8] |= (uint8_t)(1 << port % 8);
}

static bool is_set(const uint8_t *ports, uint16_t port)
{
	return ports[port / 8] >> port % 8 & 1;
}

static void read_one(struct transaction_titles *t, struct reader *reader, pid_t pid)
{
	struct backend_title b;
	char title[TITLE];
	size_t n = sizeof(title);

	if (reader_title(reader, pid, title, &n) < 0)
		return;
	if (!backend_title_is_part(title, n))
		listening_ports(pid, t->servers);
	if (!backend_title_parse(title, n, &b))
		return;
	set(t->clients, b.port);
	if (b.in_transaction)
		set(t->open, b.port);
}

void transaction_titles_read(struct transaction_titles *t, struct reader *reader)
{
	uint64_t end = monotonic_ns() + READING_NS;
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	struct dirent *entry;
	int servers = 0;

	*t = (struct transaction_titles){ 0 };
	while (dir && servers < SERVERS && monotonic_ns() < end && (entry = readdir(dir))) {
		pid_t pid = atoi(entry->d_name);

		if (pid <= 0 || !is_server(pid))
			continue;
		read_one(t, reader, pid);
		servers++;
	}
	t->time = monotonic_ns();
}

bool transaction_is_loopback(const struct transaction_row *row)
{
	static const struct in6_addr six = IN6ADDR_LOOPBACK_INIT;

	if (row->family == AF_INET)
		return row->remote_addr[0] == 127;
	return row->family == AF_INET6 && memcmp(row->remote_addr, &six, sizeof(six)) == 0;
}

bool transaction_titles_serve(const struct transaction_titles *t, const struct transaction_row *row)
{
	return transaction_is_loopback(row) && row->local_port &&
	       is_set(t->clients, row->local_port) && is_set(t->servers, row->remote_port);
}

void transaction_titles_apply(const struct transaction_titles *t, struct transaction_row *row)
{
	if (row->connection.state || row->connection.tls || !transaction_titles_serve(t, row) ||
	    !is_set(t->open, row->local_port))
		return;
	row->connection.state = TRANSACTION_OPEN;
	row->connection.opened = row->connection.said = t->time;
}
