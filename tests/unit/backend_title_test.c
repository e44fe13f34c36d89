// SPDX-License-Identifier: GPL-2.0-only
/* Titles of PostgreSQL's processes, and who is at the other end of a connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/probe/backend_title.h"
#include "agent/probe/connections.h"

static struct backend_title parse(const char *title)
{
	struct backend_title t = { 0 };

	assert_true(backend_title_parse(title, strlen(title), &t));
	return t;
}

static void idle_in_transaction_is_told(void **state)
{
	struct backend_title t = parse("postgres: ann shop 127.0.0.1(53422) idle in transaction");

	assert_true(t.in_transaction && !t.failed && t.port == 53422);
	t = parse("postgres: 15/main: ann shop ::1(5) idle in transaction (aborted)");
	assert_true(t.in_transaction && t.failed && t.port == 5);
	t = parse("postgres: ann shop [local] idle in transaction");
	assert_true(t.in_transaction && t.port == 0);
	t = parse("postgres: ann shop 10.0.0.5(53422) idle");
	assert_true(!t.in_transaction && t.port == 53422);
}

static void what_pads_the_title_is_no_part_of_it(void **state)
{
	static const char title[] = "postgres: a b h(7) idle in transaction\0\0\0\0";
	struct backend_title t;

	assert_true(backend_title_parse(title, sizeof(title), &t));
	assert_int_equal(t.port, 7);
}

static void names_may_hold_anything(void **state)
{
	struct backend_title t = parse("postgres: x 1.2.3.4(9) idle in transaction db h(8) idle");

	assert_true(!t.in_transaction && t.port == 8);
}

static void what_serves_no_client_is_refused(void **state)
{
	static const char *const others[] = {
		"",
		"postgres: ",
		"postgres: idle",
		"postgres: checkpointer ",
		"postgres: walwriter",
		"/usr/lib/postgresql/15/bin/postgres -D data",
		"postgres: a b h(7) SELECT",
		"postgres: a b h(7) COMMIT waiting",
		"postgres: a b h(0) idle",
		"postgres: a b h(70000) idle",
		"postgres: a b (7) idle",
		"postgres: a b h(7 idle",
		"postgres: a b h() idle",
		"idle in transaction",
	};
	struct backend_title t;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(backend_title_parse(others[i], strlen(others[i]), &t));
}

static void a_long_title_is_cut(void **state)
{
	char title[4096];
	struct backend_title t;

	memset(title, 'x', sizeof(title));
	assert_false(backend_title_parse(title, sizeof(title), &t));
}

static void both_ends_are_paired_by_their_ports(void **state)
{
	struct connections *c = calloc(1, sizeof(*c));

	connections_want(c, 40001);
	connections_begin(c);
	connections_note(c, 10, 5432, 40001);
	connections_note(c, 11, 5433, 40002);
	connections_note(c, 12, 40001, 443);
	connections_note(c, 13, 40001, 5432);
	assert_int_equal(c->n, 3);
	assert_int_equal(connections_client(c, 10, 40001), 13);
	assert_int_equal(connections_client(c, 11, 40002), 0);
	assert_int_equal(connections_client(c, 99, 40001), 0);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_in_transaction_is_told),
		cmocka_unit_test(what_pads_the_title_is_no_part_of_it),
		cmocka_unit_test(names_may_hold_anything),
		cmocka_unit_test(what_serves_no_client_is_refused),
		cmocka_unit_test(a_long_title_is_cut),
		cmocka_unit_test(both_ends_are_paired_by_their_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
