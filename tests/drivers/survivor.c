// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows on a Go program's allocator, one after the other as fast as they come:
 *
 *     survivor PID WINDOWS
 *
 * Prints how many births they saw. 1 when it could not be done.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/probe/survivor.h"
#include "agent/runtime/go/objects.h"

static int count_birth(void *context, uint64_t address, const struct survivor_birth *birth)
{
	++*(unsigned long *)context;
	return 0;
}

static int run_windows(struct survivor *s, long windows, unsigned long *ret_births)
{
	struct timespec open = { .tv_nsec = 2000000 };
	int r = 0;

	for (long i = 0; i < windows && r == 0; i++) {
		r = survivor_attach(s);
		if (r < 0)
			break;
		nanosleep(&open, NULL);
		survivor_detach(s);
		r = survivor_take(s, count_birth, ret_births);
	}
	return r;
}

static int watch(struct reader *reader, pid_t pid, long windows)
{
	struct survivor_options o = { .reader = reader, .pid = pid };
	_cleanup_close_ int fd = -1;
	unsigned long births = 0;
	struct go_points points;
	struct survivor *s;
	int r = uprobe_calibrate(&o.host);

	if (r == 0)
		r = go_points_ask(reader, pid, GO_BIRTHS_HEAP, &points, &fd);
	if (r < 0)
		return r;
	o.heap = points.heap;
	o.skipped = points.skipped;
	o.file_fd = fd;
	o.offsets = points.offsets;
	o.n_offsets = points.n;
	r = survivor_new(&o, &s);
	if (r == 0) {
		r = run_windows(s, windows, &births);
		survivor_free(s);
	}
	printf("%lu\n", births);
	return r;
}

int main(int argc, char **argv)
{
	struct reader *reader;
	int r = argc == 3 ? reader_new(&reader) : -EINVAL;

	if (r == 0) {
		r = watch(reader, atoi(argv[1]), atol(argv[2]));
		reader_free(reader);
	}
	if (r < 0)
		log_error(r, "survivor");
	return r < 0;
}
