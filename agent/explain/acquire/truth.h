/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the process really holds, from /proc. Events say who took an object; whether it still lives
 * is decided here, so that a lost event never becomes a wrong live count.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/model/resource.h"

struct reader;

struct truth_object {
	uint64_t id;	/* descriptor, timer, thread, child; for a mapping its address */
	uint64_t other; /* inode of a socket, descriptor of a watch, end of a mapping */
	enum seep_slot slot;
};

struct truth {
	struct truth_object *rows;
	size_t n, capacity;
};

/* Rows are added, in whatever order, then finished; what is looked up must be. truth_add: 0 or
 * -ENOMEM. */
void truth_clear(struct truth *t);
int truth_add(struct truth *t, uint64_t id, uint64_t other, enum seep_slot slot);
int truth_finish(struct truth *t); /* sort, 0 */

/* Each replaces the rows, sorted by (id, other). -ESRCH when the process is gone. */
int truth_descriptors(pid_t pid, struct truth *ret);
int truth_watches(pid_t pid,
		  struct truth *ret); /* of the descriptors that truth_descriptors found */
int truth_timers(pid_t pid, struct truth *ret);	  /* POSIX */
int truth_threads(pid_t pid, struct truth *ret);  /* all but the leader */
int truth_children(pid_t pid, struct truth *ret); /* PROCESS_CHILD or PROCESS_ZOMBIE */
/* By the reader, since the list waits for a lock of the process; -ETIMEDOUT then. */
int truth_mappings(struct reader *reader, pid_t pid, struct truth *ret);
/* Sockets of the network namespace of pid: id is the inode, slot TCP_*, UDP or UNIX. */
int truth_sockets(pid_t pid, struct truth *ret);

/* The row, or NULL. */
const struct truth_object *truth_find(const struct truth *t, uint64_t id, uint64_t other);
/* The first row of an id. */
const struct truth_object *truth_find_id(const struct truth *t, uint64_t id);

/* PROCESS_CHILD, PROCESS_ZOMBIE or, when it is gone, SLOT_MAX. */
enum seep_slot truth_child(pid_t child);

/* What a single descriptor is now; SLOT_MAX when it is closed. */
enum seep_slot truth_descriptor(pid_t pid, int fd, uint64_t *ret_inode);
