// SPDX-License-Identifier: GPL-2.0-only
/*
 * A service with a pool of database connections, in two makes. An order that is refused leaves
 * place_order() early: with its transaction still open, or rolled back in the repaired one. Either
 * way the connection goes back into the pool, on top of which the next order finds one.
 *
 *   pool guilty|repaired CONNECTIONS CONNINFO
 *
 * obeys one word a line and answers with a JSON line: "burst" has every connection serve an order
 * that is refused, all at once; "order" serves one that is accepted; "close" hangs up the
 * connection at the bottom of the pool; "open" adds one. It ends at the end of its input.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <postgresql/libpq-fe.h>

#define MOST 64

static struct {
	PGconn *free[MOST]; /* a stack: the last one used is warm */
	int n;
} pool;

static const char *conninfo;
static bool repaired;

static void die(PGconn *c, const char *what)
{
	fprintf(stderr, "%s: %s", what, PQerrorMessage(c));
	exit(1);
}

static void pool_add(void)
{
	PGconn *c = PQconnectdb(conninfo);

	if (PQstatus(c) != CONNECTION_OK || pool.n == MOST)
		die(c, "connect");
	pool.free[pool.n++] = c;
}

static PGconn *pool_take(void)
{
	if (!pool.n)
		pool_add();
	return pool.free[--pool.n];
}

static void pool_put(PGconn *c)
{
	pool.free[pool.n++] = c;
}

static void check(PGconn *c, PGresult *r)
{
	ExecStatusType status = PQresultStatus(r);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		die(c, "query");
	PQclear(r);
}

__attribute__((noinline)) static bool place_order(PGconn *c, bool acceptable)
{
	check(c, PQexec(c, "BEGIN"));
	check(c, PQexec(c, "SELECT pg_advisory_xact_lock_shared(7), repeat('x', 20000)"));
	if (!acceptable) {
		if (repaired)
			check(c, PQexec(c, "ROLLBACK"));
		return false;
	}
	check(c, PQexec(c, "COMMIT"));
	return true;
}

static void burst(void)
{
	PGconn *busy[MOST];
	int n = pool.n;

	for (int i = 0; i < n; i++)
		busy[i] = pool_take();
	for (int i = 0; i < n; i++)
		place_order(busy[i], false);
	while (n > 0)
		pool_put(busy[--n]);
}

static void order(void)
{
	PGconn *c = pool_take();

	place_order(c, true);
	pool_put(c);
}

static void close_oldest(void)
{
	PQfinish(pool.free[0]);
	memmove(pool.free, pool.free + 1, (size_t)--pool.n * sizeof(pool.free[0]));
}

/* What the library knows of the transactions: the truth to compare with. */
static void print_books(void)
{
	int left = 0;

	for (int i = 0; i < pool.n; i++)
		left += PQtransactionStatus(pool.free[i]) != PQTRANS_IDLE;
	printf("{\"site\": \"place_order\", \"connections\": %d, \"transaction\": %d}\n", pool.n,
	       left);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char word[32];

	if (argc != 4)
		return 2;
	repaired = strcmp(argv[1], "repaired") == 0;
	conninfo = argv[3];
	for (int i = atoi(argv[2]); i > 0; i--)
		pool_add();
	for (print_books(); scanf("%31s", word) == 1; print_books()) {
		if (strcmp(word, "burst") == 0)
			burst();
		else if (strcmp(word, "order") == 0)
			order();
		else if (strcmp(word, "close") == 0)
			close_oldest();
		else if (strcmp(word, "open") == 0)
			pool_add();
	}
	return 0;
}
