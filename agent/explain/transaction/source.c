// SPDX-License-Identifier: GPL-2.0-only
/* The source of transactions that a client of PostgreSQL leaves open. */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/explain/naming.h"
#include "agent/explain/source.h"
#include "agent/explain/transaction/book.h"
#include "agent/explain/transaction/titles.h"
#include "agent/probe/transaction.h"
#include "agent/sites/reader.h"

#define LIST_EVERY 5 /* polls: half a second */

/* Outgoing connections that did not say what they are, followed at most; the rest of the room is
 * for those that did. */
#define CANDIDATES (TRANSACTION_FOLLOWED / 2)

#define PART 0.25 /* of the budget, where other sources watch too: every packet costs */

struct transaction_source {
	const struct explain_options *options;
	pid_t pid;
	struct naming naming;
	struct reader *reader;
	struct transaction_probe *probe;
	struct transaction_book *book;
	struct transaction_titles titles;
	unsigned int polls, candidates, locals;
	bool detached, over_budget;
	uint8_t listens[65536 / 8]; /* ports, a bit each */
	uint64_t lost[LOSS_REASON_MAX];
	struct transaction_write write;
};

static bool source_wants(const struct explain_options *options)
{
	return options->resource && strcmp(options->resource, "transaction") == 0;
}

static void source_free(void *source)
{
	struct transaction_source *s = source;

	if (!s)
		return;
	transaction_probe_free(s->probe);
	transaction_book_free(s->book);
	naming_clear(&s->naming);
	free(s);
}

/* A call ends after its bytes left: an older one is not the last, whose stack was not taken. */
static size_t stack_of_write(void *context, uint32_t fd, uint64_t sent,
			     uint64_t ret_pcs[SITE_FRAMES])
{
	struct transaction_source *s = context;
	size_t n = 0;

	if (transaction_probe_last_write(s->probe, fd, &s->write) < 0 || s->write.time < sent)
		return 0;
	if (reader_unwind(s->reader, s->pid, &s->write.stack, ret_pcs, SITE_FRAMES, &n) < 0) {
		s->lost[LOSS_READ_FAULT]++;
		return 0;
	}
	return n;
}

static bool has_port(const uint8_t *set, uint16_t port)
{
	return set[port / 8] >> (port % 8) & 1;
}

/* What the process did not accept it connected to, and each of these may yet turn out a database.
 */
static bool is_candidate(const struct transaction_source *s, const struct transaction_row *row)
{
	return row->connection.state ||
	       (row->tcp_state == TCP_ESTABLISHED && !has_port(s->listens, row->local_port) &&
		s->candidates < CANDIDATES);
}

static void take_row(void *context, const struct transaction_row *row)
{
	struct transaction_source *s = context;
	struct transaction_row known = *row;

	if (row->tcp_state == TCP_LISTEN)
		s->listens[row->local_port / 8] |= (uint8_t)(1 << row->local_port % 8);
	transaction_titles_apply(&s->titles, &known);
	transaction_book_row(s->book, &known);
	if (row->family == AF_UNIX && row->tcp_state == TCP_ESTABLISHED &&
	    s->locals++ < TRANSACTION_LOCALS)
		transaction_probe_listen(s->probe, row->fd, row->inode);
	if (!is_candidate(s, row))
		return;
	s->candidates += !row->connection.state;
	transaction_probe_follow(s->probe, row->fd);
}

static int look(struct transaction_source *s)
{
	int r;

	s->candidates = s->locals = 0;
	transaction_book_begin(s->book);
	r = transaction_probe_list(s->probe, take_row, s);
	transaction_probe_settle(s->probe);
	if (r == 0)
		transaction_book_end(s->book);
	return r;
}

struct scout {
	const struct transaction_titles *titles;
	bool served, loopback;
};

static void scout_row(void *context, const struct transaction_row *row)
{
	struct scout *w = context;

	if (row->family == AF_UNIX || row->tcp_state != TCP_ESTABLISHED)
		return;
	w->served |= transaction_is_server_port(row->remote_port) ||
		     transaction_titles_serve(w->titles, row);
	w->loopback |= transaction_is_loopback(row);
}

/*
 * Whether the process has a connection to a server, before anything of it was heard: the port says
 * so, or a server here. One of another host with another port, and a unix socket, do not show whose
 * they are: these are watched when transactions are asked for by name. Titles are read for who may
 * need them.
 */
static int scout(struct transaction_source *s)
{
	struct scout w = { .titles = &s->titles };
	int r = transaction_probe_list(s->probe, scout_row, &w);

	if (r < 0 || (!w.served && !w.loopback))
		return r < 0 ? r : -ENOENT;
	if (w.loopback)
		transaction_titles_read(&s->titles, s->reader);
	if (!w.served)
		r = transaction_probe_list(s->probe, scout_row, &w);
	return r < 0 || w.served ? r : -ENOENT;
}

/* Where others watch too. */
static bool is_part(const struct transaction_source *s)
{
	return !s->options->resource;
}

static int start(struct transaction_source *s)
{
	int r = transaction_book_new(stack_of_write, s, &s->book);

	if (r == 0)
		r = transaction_probe_new(s->pid, &s->probe);
	if (r == 0 && is_part(s))
		r = scout(s);
	else if (r == 0)
		transaction_titles_read(&s->titles, s->reader);
	if (r == 0)
		r = look(s);
	return r < 0 ? r : transaction_probe_attach(s->probe);
}

static int source_open(const struct explain_options *options, struct reader *reader, void **ret)
{
	struct transaction_source *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->options = options;
	s->pid = options->pid;
	s->reader = reader;
	naming_init(&s->naming, reader, options->pid);
	r = start(s);
	if (r == 0) {
		*ret = s;
		return 0;
	}
	source_free(s);
	if (options->resource)
		return log_error(r, "explain: cannot watch the packets of process %d",
				 options->pid);
	log_debug(r, "transaction: nothing is watched of process %d", options->pid);
	return -ENOEXEC;
}

/* What was heard until then stands. */
static void leave(struct transaction_source *s)
{
	if (s->detached)
		return;
	look(s);
	transaction_probe_detach(s->probe);
	s->detached = true;
}

static bool is_over(struct transaction_source *s)
{
	struct transaction_counts counts = { 0 };

	if (!is_part(s))
		return false;
	transaction_probe_counts(s->probe, &counts);
	return counts.seconds > PART * s->options->budget * s->options->duration;
}

static int source_poll(void *source)
{
	struct transaction_source *s = source;

	if (s->detached)
		return 0;
	transaction_probe_tick(s->probe);
	if (++s->polls % LIST_EVERY != 0)
		return 0;
	s->over_budget = is_over(s);
	if (!s->over_budget)
		return look(s);
	leave(s);
	return 0;
}

static void source_cost(void *source, struct source_cost *ret)
{
	struct transaction_source *s = source;
	struct transaction_counts counts = { 0 };

	transaction_probe_counts(s->probe, &counts);
	*ret = (struct source_cost){ .hits = counts.hits, .windows = 1, .seconds = counts.seconds };
	for (int reason = 0; reason < LOSS_REASON_MAX; reason++)
		ret->lost[reason] = counts.lost[reason] + s->lost[reason];
	ret->lost[LOSS_NO_MEMORY] += transaction_book_lost(s->book);
	ret->lost[LOSS_OVER_BUDGET] += s->over_budget;
}

static void source_detach(void *source)
{
	leave(source);
}

static int name(void *context, const uint64_t *pcs, size_t n, struct site_frame **ret,
		size_t *ret_n)
{
	struct transaction_source *s = context;

	return naming_stack(&s->naming, pcs, n, ret, ret_n);
}

static int source_findings(void *source, double seconds, struct findings *ret)
{
	struct transaction_source *s = source;

	transaction_book_name(s->book, name, s);
	return transaction_book_findings(s->book, seconds, ret);
}

const struct source source_transaction = {
	.name = "transaction",
	.wants = source_wants,
	.open = source_open,
	.poll = source_poll,
	.cost = source_cost,
	.detach = source_detach,
	.findings = source_findings,
	.free = source_free,
};
