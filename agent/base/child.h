/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Children of seep: this executable run again under another name. The exec leaves behind what a
 * mere fork would share: the heap, the address layout, and above all the mappings of BPF maps,
 * which outlive their closed descriptors.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define CHILD_FIRST_FD 3 /* where the first descriptor that was handed over is found */

/* A kind of child; defined by CHILD_ENTRY next to its code, so that who starts it also links it. */
struct child_entry {
	const char *name; /* argv[0] */
};

/*
 * Run such a child. It finds copies of fds[0..n) at CHILD_FIRST_FD and up,
 * /dev/null at 0 to 2, an empty environment, and nothing else of this process.
 */
int child_spawn(const struct child_entry *entry, const int *fds, size_t n, pid_t *ret_pid);

/*
 * Kill and reap. False for one that the kernel holds in a call that not even a kill ends: it waits
 * for a file server, and is reaped at a later call.
 */
bool child_end(pid_t pid);

/* How many of those there are, of all threads' children. */
size_t child_count_held(void);

/* Whether a child sleeps in the kernel, and how often it has run so far: one that slept at two
 * looks, and has not run between them, makes no progress. */
struct child_look {
	bool asleep;
	uint64_t runs;
};
struct child_look child_look(pid_t pid);

/*
 * The child's end of child_spawn: `int function(void)` gives its exit status. A constructor, since
 * it must come before the main of whatever program holds the library, tests among them; a program
 * whose main did not know the name would run itself again without end.
 */
#define CHILD_ENTRY(entry, title, function)                                                        \
	const struct child_entry entry = { .name = title };                                        \
	__attribute__((constructor)) static void child_entry_(int argc, char **argv)               \
	{                                                                                          \
		if (argc == 1 && strcmp(argv[0], title) == 0)                                      \
			_exit(function());                                                         \
	}
