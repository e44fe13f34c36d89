// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/clock.h"
#include "agent/explain/transaction/book.h"
#include "agent/explain/transaction/places.h"

#define PORT_POSTGRES  5432
#define PORT_PGBOUNCER 6432
#define USERS_ASKED    32   /* stacks of who uses transactions, at most */
#define BUCKETS	       4096 /* a process may have tens of thousands of sockets */

static const char reason_no_stack[] = "who wrote to it last was not seen";
static const char reason_user[] =
	"who wrote to it last was not seen; all that was seen to use transactions of that server "
	"does so by this function";
static const char reason_no_names[] = "its stack could not be read";
static const char reason_tls[] = "encrypted: what the server says cannot be read from outside";
static const char reason_silent[] = "nothing passed since the watch began: its state is not known";

struct connection {
	struct transaction_row row; /* as last shown */
	struct place *place;	    /* of the transaction that is left open, NULL for none */
	uint64_t opened;	    /* which one */
	uint64_t noted;		    /* the last of its writes whose stack was asked for */
	bool shown;
	struct connection *next;
};

/* What has answered as a database does. */
struct server {
	struct transaction_row row; /* its remote end counts */
	struct server *next;
};

struct transaction_book {
	transaction_stack stack;
	void *context;
	struct connection *connections[BUCKETS]; /* by inode */
	struct place *places;
	struct place *users; /* who was seen to use transactions */
	unsigned int users_asked;
	struct server *servers;
	uint64_t lost;
};

/* The connection after c, the first for NULL; NULL at the end. */
static struct connection *next_connection(const struct transaction_book *b,
					  const struct connection *c)
{
	size_t bucket = c ? c->row.inode % BUCKETS + 1 : 0;

	if (c && c->next)
		return c->next;
	while (bucket < BUCKETS && !b->connections[bucket])
		bucket++;
	return bucket < BUCKETS ? b->connections[bucket] : NULL;
}

#define for_each_connection(b, c)                                                                  \
	for (struct connection *c = next_connection(b, NULL); c; c = next_connection(b, c))

int transaction_book_new(transaction_stack stack, void *context, struct transaction_book **ret)
{
	struct transaction_book *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->stack = stack;
	b->context = context;
	*ret = b;
	return 0;
}

void transaction_book_free(struct transaction_book *b)
{
	if (!b)
		return;
	transaction_book_begin(b);
	transaction_book_end(b); /* none is shown: all go */
	for (struct server *s = b->servers, *next; s; s = next) {
		next = s->next;
		free(s);
	}
	places_free(b->places);
	places_free(b->users);
	free(b);
}

/* Where the last of a connection's writes came from, in that list. */
static struct place *place_of(struct transaction_book *b, struct place **list,
			      const struct transaction_row *row)
{
	uint64_t pcs[SITE_FRAMES];
	size_t n = b->stack(b->context, row->fd, row->connection.sent, pcs);
	struct place *p = places_get(list, row, pcs, n);

	b->lost += !p;
	return p;
}

static double open_seconds(const struct transaction_row *row)
{
	return row->connection.opened ? (double)(row->now - row->connection.opened) / NS_PER_S : 0;
}

/* How long the server waited within the transaction. */
static double waited_seconds(const struct transaction_row *row)
{
	const struct transaction_connection *c = &row->connection;
	uint64_t waited = c->waited + (c->busy ? 0 : row->now - c->said);

	return (double)waited / NS_PER_S;
}

static bool is_left_open(const struct transaction_row *row)
{
	double waited = waited_seconds(row);

	return row->connection.opened && waited >= TRANSACTION_IDLE_SECONDS &&
	       2 * waited >= open_seconds(row);
}

static void settle(struct connection *c)
{
	if (c->place)
		c->place->destroyed++;
	c->place = NULL;
}

static void judge(struct transaction_book *b, struct connection *c)
{
	if (c->place && c->row.connection.opened != c->opened)
		settle(c);
	if (c->place || !is_left_open(&c->row))
		return;
	c->place = place_of(b, &b->places, &c->row);
	c->opened = c->row.connection.opened;
	if (c->place)
		c->place->created++;
}

static bool has_unseen(const struct transaction_book *b, const struct transaction_row *row)
{
	for (const struct place *p = b->places; p; p = p->next)
		if (!p->n_pcs && p->created > p->destroyed && places_same_server(&p->server, row))
			return true;
	return false;
}

/* Where a transaction is older than the watch, and its connection idles since, it may be told who
 * else uses transactions of that server. */
static void note_user(struct transaction_book *b, struct connection *c)
{
	const struct transaction_connection *heard = &c->row.connection;

	if (!heard->within || heard->sent == c->noted || b->users_asked == USERS_ASKED ||
	    !has_unseen(b, &c->row))
		return;
	c->noted = heard->sent;
	b->users_asked++;
	place_of(b, &b->users, &c->row);
}

void transaction_book_begin(struct transaction_book *b)
{
	for_each_connection (b, c)
		c->shown = false;
}

static struct connection *find(struct transaction_book *b, uint64_t inode)
{
	struct connection *c = b->connections[inode % BUCKETS];

	while (c && c->row.inode != inode)
		c = c->next;
	return c;
}

static bool is_known_server(const struct transaction_book *b, const struct transaction_row *row)
{
	for (const struct server *s = b->servers; s; s = s->next)
		if (places_same_server(&s->row, row))
			return true;
	return false;
}

static void note_server(struct transaction_book *b, const struct transaction_row *row)
{
	struct server *s;

	if (!row->connection.state || is_known_server(b, row))
		return;
	s = calloc(1, sizeof(*s));
	if (!s) {
		b->lost++;
		return;
	}
	*s = (struct server){ *row, b->servers };
	b->servers = s;
}

/* A descriptor and its copies show the same socket: it counts once. */
void transaction_book_row(struct transaction_book *b, const struct transaction_row *row)
{
	struct connection *c = find(b, row->inode);

	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c) {
			b->lost++;
			return;
		}
		c->row.inode = row->inode;
		c->next = b->connections[row->inode % BUCKETS];
		b->connections[row->inode % BUCKETS] = c;
	}
	if (c->shown)
		return;
	c->shown = true;
	c->row = *row;
	note_server(b, row);
	judge(b, c);
	note_user(b, c);
}

static void end_bucket(struct connection **at)
{
	for (struct connection *c; (c = *at);) {
		if (c->shown) {
			at = &c->next;
			continue;
		}
		settle(c);
		*at = c->next;
		free(c);
	}
}

void transaction_book_end(struct transaction_book *b)
{
	for (size_t i = 0; i < BUCKETS; i++)
		end_bucket(&b->connections[i]);
}

uint64_t transaction_book_lost(const struct transaction_book *b)
{
	return b->lost;
}

void transaction_book_name(struct transaction_book *b,
			   int (*f)(void *context, const uint64_t *pcs, size_t n,
				    struct site_frame **ret, size_t *ret_n),
			   void *context)
{
	places_name(b->places, f, context);
	places_name(b->users, f, context);
}

static void write_peer(const struct transaction_row *row, char *dst, size_t size)
{
	char addr[INET6_ADDRSTRLEN] = "";

	if (row->family == AF_UNIX) {
		snprintf(dst, size, "unix socket");
		return;
	}
	inet_ntop(row->family, row->remote_addr, addr, sizeof(addr));
	snprintf(dst, size, row->family == AF_INET6 ? "[%s]:%u" : "%s:%u", addr, row->remote_port);
}

static struct finding *add_finding(const struct transaction_row *server, struct findings *ret)
{
	struct finding *f = findings_add(ret);

	if (f) {
		f->resource = "transaction";
		f->kind = "idle";
		write_peer(server, f->peer, sizeof(f->peer));
	}
	return f;
}

static double oldest_of(const struct transaction_book *b, const struct place *p)
{
	double oldest = NAN;

	for_each_connection (b, c)
		if (c->place == p && !(open_seconds(&c->row) <= oldest))
			oldest = open_seconds(&c->row);
	return oldest;
}

static int set_frames(const struct transaction_book *b, const struct place *p, struct finding *f)
{
	size_t from = 0, n;
	const struct place *user = p->n_pcs ? NULL : places_user(b->users, &p->server, &from);
	int r;

	if (!p->n_frames)
		f->reason = p->n_pcs ? reason_no_names : user ? reason_user : reason_no_stack;
	if (user)
		p = user;
	else
		from = 0;
	n = p->n_frames - from;
	r = site_frames_copy(p->n_frames ? p->frames + from : NULL, n, &f->frames);
	if (r == 0)
		f->n_frames = n;
	return r;
}

static int add_place(const struct transaction_book *b, const struct place *p, double seconds,
		     struct findings *ret)
{
	struct finding *f = add_finding(&p->server, ret);

	if (!f)
		return -ENOMEM;
	f->created = p->created;
	f->destroyed = p->destroyed;
	f->live = p->created - p->destroyed;
	f->oldest = oldest_of(b, p);
	if (seconds > 0)
		f->growth_per_hour = (double)f->live / seconds * 3600;
	if (!f->live)
		f->verdict = SITE_RETURNS;
	else if (f->oldest >= TRANSACTION_KEEPS_SECONDS)
		f->verdict = SITE_KEEPS;
	if (f->verdict == SITE_KEEPS)
		f->pattern = "idle-in-transaction";
	return set_frames(b, p, f);
}

bool transaction_is_server_port(uint16_t port)
{
	return port == PORT_POSTGRES || port == PORT_PGBOUNCER;
}

static bool is_server(const struct transaction_book *b, const struct transaction_row *row)
{
	if (row->family == AF_UNIX) /* it may be anybody's */
		return false;
	return transaction_is_server_port(row->remote_port) || is_known_server(b, row);
}

/* Why nothing can be said of a connection to a database; NULL when something can. */
static const char *why_unknown(const struct transaction_book *b, const struct transaction_row *row)
{
	if (row->connection.tls == TRANSACTION_TLS)
		return reason_tls;
	if (!row->connection.state && is_server(b, row))
		return reason_silent;
	return NULL;
}

/* Connections that cannot be judged, a finding for each server and reason: nothing is said of them
 * but how many there are. */
static int add_unknown(const struct transaction_book *b, struct findings *ret)
{
	size_t first = ret->n;

	for_each_connection (b, c) {
		const char *reason = why_unknown(b, &c->row);
		struct finding *f = NULL;
		char peer[FINDING_PEER_SIZE];

		if (!reason)
			continue;
		write_peer(&c->row, peer, sizeof(peer));
		for (size_t i = first; i < ret->n && !f; i++)
			if (ret->rows[i].reason == reason && strcmp(ret->rows[i].peer, peer) == 0)
				f = &ret->rows[i];
		if (!f)
			f = add_finding(&c->row, ret);
		if (!f)
			return -ENOMEM;
		f->kind = "unseen";
		f->reason = reason;
		f->live++;
	}
	return 0;
}

int transaction_book_findings(const struct transaction_book *b, double seconds,
			      struct findings *ret)
{
	int r = 0;

	for (const struct place *p = b->places; p && r == 0; p = p->next)
		r = add_place(b, p, seconds, ret);
	return r < 0 ? r : add_unknown(b, ret);
}
