/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One question to the reader child and its answer, whatever becomes of the child meanwhile: what it
 * asks for is passed on to the opener, one that is lost is replaced, and who makes it lost too
 * often is asked about no more. For the files of the reader; reader.h is for everybody else.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "agent/sites/protocol.h"
#include "agent/sites/target.h"
#include "agent/sites/worker.h"

struct opener;

#define READER_REQUEST_NS 2000000000ull /* that a question may take, unless it says otherwise */

struct reader {
	struct worker worker;
	struct opener *opener;
	struct targets targets;
	struct reader_unwound last;
	uint64_t lost[LOSS_REASON_MAX];
	uint8_t answer[MESSAGE_MAX]; /* the last: a wire_reply and its payload */
};

/* A request that is under way. */
struct call {
	struct wire_request head;
	struct iovec payload[2];
	uint64_t timeout;  /* nanoseconds; 0: by the kind of request */
	uint64_t deadline; /* of CLOCK_MONOTONIC */
	int status;	   /* the child's answer, once there is one: 0 or -errno */
	size_t size; /* of the answer's payload, which is in reader.answer after its wire_reply */
	uint32_t n;  /* what the answer's kind counts */
};

/* The answer's payload, of call.size bytes; valid until the next question. */
static inline const uint8_t *reader_payload(const struct reader *r)
{
	return r->answer + sizeof(struct wire_reply);
}

/* Ask about a process. 0 when there is an answer: call.status tells what it is. -ETIMEDOUT, -EPIPE
 * when the child was lost over it or is not asked about that process any more, or what
 * targets_get and worker_start fail with. */
int reader_exchange(struct reader *r, pid_t pid, struct call *c);

/* The same, and the answer's own status where there is one. */
int reader_call(struct reader *r, pid_t pid, struct call *c);

/* Have the child forget a process by its name, 0 for none. 0 or as message_send. */
int reader_send_forget(struct reader *r, uint64_t process);
