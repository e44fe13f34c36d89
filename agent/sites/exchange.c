// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "agent/base/child.h"
#include "agent/base/cleanup.h"
#include "agent/sites/exchange.h"
#include "agent/sites/opener.h"

#define LOOK_NS	 2000000000ull	/* between two looks whether the child still makes progress */
#define DWARF_NS 10000000000ull /* a debug file of a gigabyte, on a busy host; for explain only */

int reader_send_forget(struct reader *r, uint64_t process)
{
	struct wire_request q = { .type = WIRE_FORGET, .process = process };
	struct iovec part = { .iov_base = &q, .iov_len = sizeof(q) };

	if (process == 0 || !r->worker.pid)
		return 0; /* a new child knows nothing */
	return message_send(r->worker.socket, &part, 1, -1, monotonic_ns() + READER_REQUEST_NS);
}

/* The child wants a descriptor of the process that it was asked about. */
static int give(struct reader *r, const struct target *t, uint64_t deadline)
{
	struct wire_reply reply = { .type = WIRE_ANSWER };
	struct iovec part = { .iov_base = &reply, .iov_len = sizeof(reply) };
	_cleanup_close_ int fd = -1;
	struct wire_ask ask;

	memcpy(&ask, reader_payload(r), sizeof(ask));
	reply.status = opener_open(r->opener, t->proc, &ask, deadline, &fd);
	if (reply.status == -ETIMEDOUT)
		r->lost[LOSS_TIMEOUT]++;
	return message_send(r->worker.socket, &part, 1, fd, deadline);
}

/*
 * A call may be patient, for a busy host; there is no point in it when the child is held by a page
 * that nobody answers for. -ETIMEDOUT then too.
 */
static ssize_t receive(struct reader *r, uint64_t deadline)
{
	struct child_look before = { 0 }, now;

	for (;;) {
		uint64_t look = monotonic_ns() + LOOK_NS;
		ssize_t n = message_receive(r->worker.socket, r->answer, sizeof(r->answer),
					    look < deadline ? look : deadline, NULL);

		if (n != -ETIMEDOUT || look >= deadline)
			return n;
		now = child_look(r->worker.pid);
		if (before.asleep && now.asleep && before.runs == now.runs)
			return -ETIMEDOUT;
		before = now;
	}
}

static int wait_answer(struct reader *r, const struct target *t, struct call *c)
{
	struct wire_reply head;

	for (int asks = 0; asks < WIRE_ASKS_MAX; asks++) {
		ssize_t n = receive(r, c->deadline);
		int e;

		if (n < (ssize_t)sizeof(head))
			return n < 0 ? (int)n : -EPROTO;
		memcpy(&head, r->answer, sizeof(head));
		c->size = (size_t)n - sizeof(head);
		c->n = head.n;
		c->status = head.status;
		if (head.type == WIRE_ANSWER)
			return head.status > 0 ? -EPROTO : 0;
		if (head.type != WIRE_ASK || c->size != sizeof(struct wire_ask))
			return -EPROTO;
		e = give(r, t, c->deadline);
		if (e < 0)
			return e;
	}
	return -EPROTO;
}

static uint64_t usual_timeout(const struct call *c)
{
	return c->head.type == WIRE_SYMBOLIZE ? DWARF_NS : READER_REQUEST_NS;
}

static int send_request(struct reader *r, struct call *c)
{
	struct iovec parts[3] = { { .iov_base = &c->head, .iov_len = sizeof(c->head) },
				  c->payload[0],
				  c->payload[1] };

	c->deadline = monotonic_ns() + (c->timeout ? c->timeout : usual_timeout(c));
	return message_send(r->worker.socket, parts, ARRAY_SIZE(parts), -1, c->deadline);
}

/* The child is lost; the next call has another. False as child_end. */
static bool lose_child(struct reader *r, int e)
{
	r->lost[e == -ETIMEDOUT ? LOSS_TIMEOUT : LOSS_CRASHED]++;
	return worker_stop(&r->worker);
}

/* A child that ended while nothing was asked of it is nobody's fault. */
static int reach_child(struct reader *r, struct call *c, uint64_t dropped)
{
	int e;

	if (r->worker.pid) {
		e = reader_send_forget(r, dropped);
		if (e == 0)
			e = send_request(r, c);
		if (e == 0)
			return 0;
		lose_child(r, e);
	}
	e = worker_start(&r->worker, &reader_entry);
	return e < 0 ? e : send_request(r, c);
}

int reader_exchange(struct reader *r, pid_t pid, struct call *c)
{
	struct target *t;
	uint64_t dropped;
	int e = targets_get(&r->targets, pid, &t, &dropped);

	if (e < 0)
		return e;
	if (t->faults >= TARGET_FAULTS) {
		r->lost[LOSS_REFUSED]++;
		return -EPIPE;
	}
	c->head.process = t->name;
	if (c->head.type == WIRE_SYMBOLIZE && t->plain)
		c->head.type = WIRE_NAME;
	e = reach_child(r, c, dropped);
	if (e < 0)
		return e;
	e = wait_answer(r, t, c);
	if (e == 0)
		return 0;
	if (c->head.type == WIRE_SYMBOLIZE)
		t->plain = true;
	else
		t->faults++;
	if (!lose_child(r, e))
		t->faults = TARGET_FAULTS; /* it would hold the next one too */
	return e == -ETIMEDOUT ? e : -EPIPE;
}

int reader_call(struct reader *r, pid_t pid, struct call *c)
{
	int e = reader_exchange(r, pid, c);

	return e < 0 ? e : c->status;
}
