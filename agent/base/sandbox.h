/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a child gives up before it touches a stranger's bytes: identity, capabilities, the file
 * system, memory, and every system call that it does not need.
 */
#pragma once

#include <stddef.h>

struct sandbox {
	const char *name;	  /* the thread's name, as ps shows it; at most 15 bytes */
	const int *calls;	  /* allowed beside the common ones, ended by -1; NULL for none */
	const int *capabilities;  /* CAP_… that it keeps, ended by -1; NULL for none */
	size_t address_space;	  /* bytes (RLIMIT_AS); 0 for no limit */
	unsigned int descriptors; /* RLIMIT_NOFILE */
	int keep_root;		  /* see the file system: no chroot; for one that opens files */
};

/*
 * Enter; there is no way back. Common calls are those of memory (never executable), of clocks, of
 * reading and writing, sending and receiving on descriptors that are already held, poll, and exit.
 * Any other call fails with EPERM; execve, execveat, socket, ptrace and bpf kill, unless they are
 * in calls. Executable mappings are refused, so whatever is to be loaded must be loaded before.
 *
 * As an ordinary user the identity stays; what cannot be given up because it was never held is no
 * error. -EPERM when a capability would remain that was not to be kept.
 */
int sandbox_enter(const struct sandbox *s);
