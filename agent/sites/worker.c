// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "agent/base/child.h"
#include "agent/base/cleanup.h"
#include "agent/base/sandbox.h"
#include "agent/sites/protocol.h"
#include "agent/sites/worker.h"

#define START_NS  20000000000ull /* many may start at once on a busy host */
#define HELD_MOST 12		 /* children that file servers hold; what they cost has an end */

static int wait_ready(int socket)
{
	struct wire_reply ready;
	ssize_t n = message_receive(socket, &ready, sizeof(ready), monotonic_ns() + START_NS, NULL);

	if (n != sizeof(ready))
		return n < 0 ? (int)n : -EPROTO;
	return ready.type == WIRE_READY ? ready.status : -EPROTO;
}

int worker_start(struct worker *w, const struct child_entry *entry)
{
	_cleanup_close_ int ours = -1, theirs = -1;
	pid_t pid;
	int pair[2], r = child_count_held() < HELD_MOST ? message_pair(pair) : -EAGAIN;

	if (r < 0)
		return r;
	ours = pair[0];
	theirs = pair[1];
	r = child_spawn(entry, &theirs, 1, &pid);
	if (r < 0)
		return r;
	theirs = safe_close(theirs); /* so that its end is seen */
	r = wait_ready(ours);
	if (r < 0) {
		child_end(pid);
		return r;
	}
	w->pid = pid;
	w->socket = TAKE_FD(ours);
	return 0;
}

bool worker_stop(struct worker *w)
{
	bool ended;

	w->socket = safe_close(w->socket);
	ended = child_end(w->pid);
	w->pid = 0;
	return ended;
}

int worker_enter(const struct sandbox *spec)
{
	struct wire_reply ready = { .type = WIRE_READY, .status = sandbox_enter(spec) };
	struct iovec part = { .iov_base = &ready, .iov_len = sizeof(ready) };
	int r = message_send(CHILD_FIRST_FD, &part, 1, -1, 0);

	return ready.status < 0 ? ready.status : r;
}
