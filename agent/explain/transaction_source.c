// SPDX-License-Identifier: GPL-2.0-only
/* The source of transactions that a client of PostgreSQL leaves open. */
#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/explain/source.h"
#include "agent/explain/transaction_book.h"
#include "agent/probe/transaction.h"
#include "agent/sites/reader.h"

#define LIST_EVERY 5 /* polls: half a second */

/* A call ends soon after its bytes left. */
#define SAME_WRITE_NS 50000000

struct transaction_source {
	pid_t pid;
	struct reader *reader;
	struct transaction_probe *probe;
	struct transaction_book *book;
	unsigned int polls;
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
	free(s);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static size_t stack_of_write(void *context, uint32_t fd, uint64_t sent,
			     uint64_t ret_pcs[SITE_FRAMES])
{
	struct transaction_source *s = context;
	size_t n = 0;

	if (transaction_probe_last_write(s->probe, fd, &s->write) < 0 ||
	    distance(s->write.time, sent) > SAME_WRITE_NS)
		return 0;
	if (reader_unwind(s->reader, s->pid, &s->write.stack, ret_pcs, SITE_FRAMES, &n) < 0) {
		s->lost[LOSS_READ_FAULT]++;
		return 0;
	}
	return n;
}

/* Only what speaks the protocol is followed on; a connection that is new is so from its start. */
static void take_row(void *context, const struct transaction_row *row)
{
	struct transaction_source *s = context;

	transaction_book_row(s->book, row);
	if (row->connection.state)
		transaction_probe_follow(s->probe, row->fd);
}

static int look(struct transaction_source *s)
{
	int r;

	transaction_book_begin(s->book);
	r = transaction_probe_list(s->probe, take_row, s);
	if (r == 0)
		transaction_book_end(s->book);
	return r;
}

static int start(struct transaction_source *s)
{
	int r = transaction_book_new(stack_of_write, s, &s->book);

	if (r == 0)
		r = transaction_probe_new(s->pid, &s->probe);
	return r < 0 ? r : look(s);
}

static int source_open(const struct explain_options *options, struct reader *reader, void **ret)
{
	struct transaction_source *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->pid = options->pid;
	s->reader = reader;
	r = start(s);
	if (r < 0) {
		source_free(s);
		return log_error(r, "explain: cannot watch the packets of process %d",
				 options->pid);
	}
	*ret = s;
	return 0;
}

static int source_poll(void *source)
{
	struct transaction_source *s = source;

	transaction_probe_tick(s->probe);
	return ++s->polls % LIST_EVERY == 0 ? look(s) : 0;
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
}

static void source_detach(void *source)
{
	struct transaction_source *s = source;

	look(s);
	transaction_probe_detach(s->probe);
}

static int name(void *context, const uint64_t *pcs, size_t n, struct site_frame **ret,
		size_t *ret_n)
{
	struct transaction_source *s = context;

	return reader_symbolize(s->reader, s->pid, pcs, n, ret, ret_n);
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
