/* SPDX-License-Identifier: GPL-2.0-only */
/* The lines of /proc/PID/maps, by read alone: stdio would call fcntl, which the sandbox refuses. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MAPS_BYTES 32768 /* a path has at most 4096 bytes, a newline in it takes four */

struct maps {
	int fd; /* not owned */
	size_t at, end;
	char bytes[MAPS_BYTES + 1];
};

struct mapping {
	uint64_t start, end, offset, inode; /* inode: 0 without a file */
	char permissions[5];		    /* "rwxp" */
	char *path; /* "" without one; as the kernel wrote it, within maps, until the next line */
};

/* Take the next line that is one: 1, or 0 at the end. Begin with { .fd = … }. */
int maps_next(struct maps *m, struct mapping *ret);
