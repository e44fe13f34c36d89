// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scans of a Go program's goroutines, as the agent makes them:
 *
 *     goscan PID SCANS [MILLISECONDS [MOST]]
 *
 * One after the other, or so long apart, of at most so many goroutines (0: all; else as the agent).
 * Prints a line for each: nanoseconds of CPU that the reader spent, goroutines alive, what that may
 * be wrong by, dead structs, implausible ones, objects that could not be read, bytes, and of those
 * objects the ones whose pages were not there, and were swapped out. 1 when it could not be done.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/runtime/go/go.h"

#define STACKS 16 /* as the agent asks for */

static int scan(struct reader *reader, pid_t pid, uint32_t most)
{
	struct go_request request = { .wanted = 1u << GO_GOROUTINES,
				      .groups = GO_GROUPS,
				      .stacks = STACKS,
				      .most = most };
	_cleanup_free_ struct go_report *r = NULL;
	int e = go_scan(reader, pid, &request, GO_TIMEOUT_NS, &r);
	const struct go_unread *u = r ? &r->unread : NULL;

	if (e < 0)
		return e;
	if (r->status[GO_GOROUTINES] != GO_READ)
		return log_error(0, "goscan: %s", go_status_text(r->status[GO_GOROUTINES])), -EIO;
	printf("%lu %lu %lu %lu %lu %lu %lu %lu %lu\n", r->cpu_ns, r->live, r->count_error, r->dead,
	       r->implausible, u->failed + u->absent + u->swapped, r->bytes, u->absent, u->swapped);
	fflush(stdout); /* who reads waits for the first */
	return 0;
}

int main(int argc, char **argv)
{
	long milliseconds = argc > 3 ? atol(argv[3]) : 0;
	uint32_t most = argc > 4 ? (uint32_t)atol(argv[4]) : GO_MOST;
	struct timespec pause = { .tv_sec = milliseconds / 1000,
				  .tv_nsec = milliseconds % 1000 * 1000000 };
	struct reader *reader = NULL;
	int r = argc >= 3 && argc <= 5 ? reader_new(&reader) : -EINVAL;

	for (long i = 0; r == 0 && i < atol(argv[2]); i++) {
		if (i > 0 && milliseconds)
			nanosleep(&pause, NULL);
		r = scan(reader, atoi(argv[1]), most);
	}
	reader_free(reader);
	if (r < 0)
		log_error(r, "goscan");
	return r < 0;
}
