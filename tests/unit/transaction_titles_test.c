// SPDX-License-Identifier: GPL-2.0-only
/* Whom the titles of PostgreSQL's processes speak of: a client, by both ports of its connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "agent/explain/transaction/titles.h"

#define SERVER 5432
#define CLIENT 40001
#define IDLE   40002

static void set(uint8_t *ports, uint16_t port)
{
	ports[port / 8] |= (uint8_t)(1 << port % 8);
}

/* A server that two clients are connected to, of which one idles in a transaction. */
static const struct transaction_titles *titles(void)
{
	static struct transaction_titles t = { .time = 7 };

	set(t.servers, SERVER);
	set(t.clients, CLIENT);
	set(t.clients, IDLE);
	set(t.open, CLIENT);
	return &t;
}

static struct transaction_row row(uint16_t local, uint16_t remote, uint8_t network)
{
	return (struct transaction_row){ .family = AF_INET,
					 .local_port = local,
					 .remote_port = remote,
					 .remote_addr = { network, 0, 0, 1 } };
}

static void test_a_client_is_known_by_both_ports(void **state)
{
	struct transaction_row its = row(CLIENT, SERVER, 127), other = row(CLIENT, 8080, 127);
	struct transaction_row remote = row(CLIENT, SERVER, 10), unknown = row(40003, SERVER, 127);

	assert_true(transaction_titles_serve(titles(), &its));
	assert_false(transaction_titles_serve(titles(), &other));
	assert_false(transaction_titles_serve(titles(), &remote));
	assert_false(transaction_titles_serve(titles(), &unknown));
}

static void test_only_who_idles_in_a_transaction_has_one_open(void **state)
{
	struct transaction_row open = row(CLIENT, SERVER, 127), idle = row(IDLE, SERVER, 127);
	struct transaction_row other = row(CLIENT, 8080, 127);

	transaction_titles_apply(titles(), &open);
	transaction_titles_apply(titles(), &idle);
	transaction_titles_apply(titles(), &other);
	assert_int_equal(open.connection.state, TRANSACTION_OPEN);
	assert_int_equal(open.connection.opened, 7);
	assert_int_equal(idle.connection.state, TRANSACTION_UNSEEN);
	assert_int_equal(other.connection.state, TRANSACTION_UNSEEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_client_is_known_by_both_ports),
		cmocka_unit_test(test_only_who_idles_in_a_transaction_has_one_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
