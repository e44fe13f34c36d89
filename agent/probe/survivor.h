/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Births of objects in one process that keeps frame pointers (bpf/survivor.bpf.c), seen in windows:
 * attached for some milliseconds, taken out again, and the births taken from the kernel.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/model/loss.h"
#include "agent/probe/uprobe.h"
#include "bpf/survivor.h"

struct reader;
struct survivor;

struct survivor_options {
	struct reader *reader;
	pid_t pid;
	struct uprobe_host host;
	struct survivor_heap heap; /* zeroed: objects without a size */
	struct survivor_range skipped;
	struct survivor_object object;
	int file_fd;		 /* the executable; the caller keeps it */
	const uint64_t *offsets; /* in that file, of the instructions to be probed */
	size_t n_offsets;
};

struct survivor_counts {
	uint64_t values[SURVIVOR_COUNTERS];
	uint64_t lost[LOSS_REASON_MAX];
};

/* Load, attach nothing yet. 0 or -errno. */
int survivor_new(const struct survivor_options *options, struct survivor **ret);
void survivor_free(struct survivor *s); /* detaches; accepts NULL */

/* A window: attach and count from then on; stop counting at once, then take the traps out. -EBUSY
 * as uprobe_set_attach. */
int survivor_attach(struct survivor *s);
pid_t survivor_obstacle(const struct survivor *s);
void survivor_detach(struct survivor *s);

/*
 * Hand over the births of the windows so far and forget them. Only while detached. take returns 0
 * or -errno, which ends it.
 */
int survivor_take(struct survivor *s,
		  int (*take)(void *context, uint64_t address, const struct survivor_birth *birth),
		  void *context);

/* What is known of a site key: 0 or -ENOENT. */
int survivor_site(struct survivor *s, uint64_t key, struct survivor_site *ret);

/* Of all windows so far. 0, or -errno with what could be read. */
int survivor_counts(struct survivor *s, struct survivor_counts *ret);
