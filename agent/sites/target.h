/* SPDX-License-Identifier: GPL-2.0-only */
/* The processes that the reader was asked about, from the root process's side. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TARGETS_MAX   64
#define TARGET_FAULTS 3 /* lost answers, after which a process is no longer read */

struct target {
	pid_t pid;     /* 0 for a free slot */
	int proc;      /* O_PATH on /proc/PID: names the process even when its number is reused */
	uint64_t name; /* for the reader (protocol.h) */
	uint64_t used; /* for the choice of whom to drop */
	bool plain;    /* an answer was lost while its DWARF was read: symbols alone from now on */
	unsigned int
		faults; /* other lost answers; TARGET_FAULTS at once for one that never comes */
};

struct targets {
	struct target slots[TARGETS_MAX];
	uint64_t last_name, clock;
};

/*
 * Find or add a process. *ret_dropped is the name of the one that had to go for it, or 0: the
 * reader is to forget it. A process that has ended is still found, for what the reader knows of it,
 * until its number belongs to another. -ESRCH when there is none and nothing was known.
 */
int targets_get(struct targets *t, pid_t pid, struct target **ret, uint64_t *ret_dropped);

/* Returns the name of what is dropped, 0 when nothing was known. */
uint64_t targets_forget(struct targets *t, pid_t pid);
void targets_free(struct targets *t);
