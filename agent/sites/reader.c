// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/sites/frames.h"
#include "agent/sites/opener.h"
#include "agent/sites/protocol.h"
#include "agent/sites/reader.h"
#include "agent/sites/target.h"
#include "agent/sites/worker.h"

#define REQUEST_NS 2000000000ull
#define TITLE_NS   1000000000ull
#define LOOK_NS	   2000000000ull  /* between two looks whether the child still makes progress */
#define DWARF_NS   10000000000ull /* a debug file of a gigabyte, on a busy host; for explain only */

struct reader {
	struct worker worker;
	struct opener *opener;
	struct targets targets;
	struct reader_unwound last;
	uint64_t lost[LOSS_REASON_MAX];
	uint8_t answer[MESSAGE_MAX];
};

/* A request that is under way. */
struct call {
	struct wire_request head;
	struct iovec payload[2];
	uint64_t timeout; /* 0: by the kind of request */
	uint64_t deadline;
	int status;  /* the child's answer, once there is one */
	size_t size; /* of the answer's payload, which is in reader.answer after its wire_reply */
	uint32_t n;
};

int reader_new(struct reader **ret)
{
	struct reader *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->worker.socket = -1;
	e = opener_new(&r->opener);
	if (e == 0)
		e = worker_start(&r->worker, &reader_entry);
	if (e < 0) {
		reader_free(r);
		return e;
	}
	*ret = r;
	return 0;
}

void reader_free(struct reader *r)
{
	if (!r)
		return;
	worker_stop(&r->worker);
	opener_free(r->opener);
	targets_free(&r->targets);
	free(r);
}

static const uint8_t *payload(const struct reader *r)
{
	return r->answer + sizeof(struct wire_reply);
}

static int send_forget(struct reader *r, uint64_t process)
{
	struct wire_request q = { .type = WIRE_FORGET, .process = process };
	struct iovec part = { .iov_base = &q, .iov_len = sizeof(q) };

	if (process == 0 || !r->worker.pid)
		return 0; /* a new child knows nothing */
	return message_send(r->worker.socket, &part, 1, -1, monotonic_ns() + REQUEST_NS);
}

/* The child wants a descriptor of the process that it was asked about. */
static int give(struct reader *r, const struct target *t, uint64_t deadline)
{
	struct wire_reply reply = { .type = WIRE_ANSWER };
	struct iovec part = { .iov_base = &reply, .iov_len = sizeof(reply) };
	_cleanup_close_ int fd = -1;
	struct wire_ask ask;

	memcpy(&ask, payload(r), sizeof(ask));
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
	return c->head.type == WIRE_SYMBOLIZE ? DWARF_NS : REQUEST_NS;
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
		e = send_forget(r, dropped);
		if (e == 0)
			e = send_request(r, c);
		if (e == 0)
			return 0;
		lose_child(r, e);
	}
	e = worker_start(&r->worker, &reader_entry);
	return e < 0 ? e : send_request(r, c);
}

/* 0 when there is an answer: call.status tells what it is. */
static int exchange(struct reader *r, pid_t pid, struct call *c)
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

/* The answer, or why there is none. */
static int call(struct reader *r, pid_t pid, struct call *c)
{
	int e = exchange(r, pid, c);

	return e < 0 ? e : c->status;
}

int reader_unwind(struct reader *r, pid_t pid, const struct stack_copy *stack, uint64_t *ret_pcs,
		  size_t max, size_t *ret_n)
{
	size_t valid = stack->size < STACK_COPY_BYTES ? stack->size : STACK_COPY_BYTES;
	struct call c = { .head = { .type = WIRE_UNWIND,
				    .n = (uint32_t)(max < SITE_FRAMES ? max : SITE_FRAMES) },
			  .payload = {
				  { .iov_base = (void *)stack,
				    .iov_len = offsetof(struct stack_copy, bytes) + valid } } };
	struct wire_unwound end;
	int e = call(r, pid, &c);

	r->last = (struct reader_unwound){ 0 };
	if (e < 0)
		return e;
	if (c.n > c.head.n || c.size != sizeof(end) + c.n * sizeof(uint64_t))
		return -EPIPE;
	memcpy(&end, payload(r), sizeof(end));
	memcpy(ret_pcs, payload(r) + sizeof(end), c.n * sizeof(uint64_t));
	r->last.guessed = end.guessed;
	r->last.complete = end.complete;
	if (stack->truncated && !end.complete)
		r->lost[LOSS_TRUNCATED]++;
	*ret_n = c.n;
	return 0;
}

int reader_symbolize(struct reader *r, pid_t pid, const uint64_t *pcs, size_t n,
		     struct site_frame **ret, size_t *ret_n)
{
	struct call c = { .head = { .type = WIRE_SYMBOLIZE, .n = (uint32_t)n },
			  .payload = { { .iov_base = (void *)pcs, .iov_len = n * sizeof(*pcs) } } };
	int e;

	if (n > SITE_FRAMES)
		return -E2BIG;
	e = exchange(r, pid, &c);
	if (e == -ETIMEDOUT || e == -EPIPE) /* again, without the DWARF that may have done it */
		e = exchange(r, pid, &c);
	if (e == 0)
		e = c.status;
	if (e == 0)
		e = frames_read(payload(r), c.size, c.n, ret);
	if (e < 0)
		return e == -EPROTO ? -EPIPE : e;
	*ret_n = c.n;
	return 0;
}

int reader_find_probe(struct reader *r, pid_t pid, const char *module, const char *function,
		      struct reader_place *ret, int *ret_fd)
{
	struct call c = {
		.head = { .type = WIRE_FIND },
		.payload = { { .iov_base = (void *)module, .iov_len = strlen(module) + 1 },
			     { .iov_base = (void *)function, .iov_len = strlen(function) + 1 } }
	};
	struct wire_ask ask = { .kind = WIRE_EXE };
	struct wire_place place;
	struct target *t;
	uint64_t dropped;
	int e = call(r, pid, &c);

	if (e < 0)
		return e;
	if (c.size != sizeof(place))
		return -EPIPE;
	memcpy(&place, payload(r), sizeof(place));
	if (place.end != 0)
		ask = (struct wire_ask){ .kind = WIRE_MAP_FILE,
					 .start = place.start,
					 .end = place.end };
	e = targets_get(&r->targets, pid, &t, &dropped);
	if (e == 0)
		e = opener_open(r->opener, t->proc, &ask, c.deadline, ret_fd);
	if (e < 0)
		return e;
	*ret = (struct reader_place){ .offset = place.offset, .cheap = place.pass >= 0 };
	if (ret->cheap)
		ret->pass = (uint32_t)place.pass;
	return 0;
}

int reader_find_function(struct reader *r, pid_t pid, const char *module, const char *function,
			 uint64_t *ret_offset, int *ret_fd)
{
	struct reader_place place;
	int e = reader_find_probe(r, pid, module, function, &place, ret_fd);

	if (e == 0)
		*ret_offset = place.offset;
	return e;
}

int reader_find_start(struct reader *r, pid_t pid, uint64_t *ret_offset, int *ret_fd)
{
	return reader_find_function(r, pid, "", "", ret_offset, ret_fd);
}

int reader_rules(struct reader *r, pid_t pid, const uint64_t *pcs, size_t n, struct frame_rule *ret)
{
	struct call c = { .head = { .type = WIRE_RULES, .n = (uint32_t)n },
			  .payload = { { .iov_base = (void *)pcs, .iov_len = n * sizeof(*pcs) } } };
	int e;

	if (n > SITE_FRAMES)
		return -E2BIG;
	e = call(r, pid, &c);
	if (e < 0)
		return e;
	if (c.n != n || c.size != n * sizeof(*ret))
		return -EPIPE;
	memcpy(ret, payload(r), c.size);
	return 0;
}

int reader_load_order(struct reader *r, pid_t pid, uint64_t *ret, size_t max, size_t *ret_n)
{
	struct call c = { .head = { .type = WIRE_ORDER } };
	int e = call(r, pid, &c);

	if (e < 0)
		return e;
	if (c.size != c.n * sizeof(*ret))
		return -EPIPE;
	*ret_n = c.n < max ? c.n : max;
	memcpy(ret, payload(r), *ret_n * sizeof(*ret));
	return 0;
}

int reader_has_section(struct reader *r, pid_t pid, const char *section)
{
	struct call c = { .head = { .type = WIRE_SECTION },
			  .payload = { { .iov_base = (void *)section,
					 .iov_len = strlen(section) + 1 } } };
	int e = call(r, pid, &c);

	return e < 0 ? e : c.n != 0;
}

int reader_title(struct reader *r, pid_t pid, char *ret, size_t *ret_size)
{
	struct call c = { .head = { .type = WIRE_TITLE, .n = (uint32_t)*ret_size },
			  .timeout = TITLE_NS };
	int e = call(r, pid, &c);

	if (e < 0)
		return e;
	if (c.size > *ret_size)
		return -EPIPE;
	memcpy(ret, payload(r), c.size);
	*ret_size = c.size;
	return 0;
}

int reader_service(struct reader *r, pid_t pid, const void *request, size_t size, uint64_t timeout,
		   const void **ret, size_t *ret_size)
{
	struct call c = { .head = { .type = WIRE_GO },
			  .payload = { { .iov_base = (void *)request, .iov_len = size } },
			  .timeout = timeout };
	int e = call(r, pid, &c);

	if (e < 0)
		return e;
	*ret = payload(r);
	*ret_size = c.size;
	return 0;
}

static int open_for(struct reader *r, pid_t pid, const struct wire_ask *ask, int *ret_fd)
{
	struct target *t;
	uint64_t dropped;
	int e = targets_get(&r->targets, pid, &t, &dropped);

	if (e == 0)
		e = send_forget(r, dropped);
	if (e == 0)
		e = opener_open(r->opener, t->proc, ask, monotonic_ns() + REQUEST_NS, ret_fd);
	r->lost[LOSS_TIMEOUT] += e == -ETIMEDOUT;
	return e;
}

int reader_open(struct reader *r, pid_t pid, enum reader_file what, int *ret_fd)
{
	static const enum wire_ask_kind kinds[] = { [READER_EXECUTABLE] = WIRE_EXE,
						    [READER_MAPS] = WIRE_MAPS_COPY,
						    [READER_MEMORY] = WIRE_MEM,
						    [READER_PAGES] = WIRE_PAGEMAP };

	return open_for(r, pid, &(struct wire_ask){ .kind = kinds[what] }, ret_fd);
}

int reader_open_mapping(struct reader *r, pid_t pid, uint64_t start, uint64_t end, int *ret_fd)
{
	return open_for(r, pid,
			&(struct wire_ask){ .kind = WIRE_MAP_FILE, .start = start, .end = end },
			ret_fd);
}

void reader_forget(struct reader *r, pid_t pid)
{
	send_forget(r, targets_forget(&r->targets, pid));
}

struct reader_unwound reader_last(const struct reader *r)
{
	return r->last;
}

uint64_t reader_lost(const struct reader *r, enum loss_reason reason)
{
	return r->lost[reason];
}

pid_t reader_child(const struct reader *r)
{
	return r->worker.pid;
}
