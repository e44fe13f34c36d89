/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions of this executable that are there to be probed, so that a host is tried on ourselves.
 */
#pragma once

#include <linux/types.h>
#include <sys/types.h>

#include "agent/probe/uprobe.h"

struct uprobe_bpf;

typedef int trapped_function(int n);

/* Both return n + 1. One begins as most functions do, by a push, which the kernel does itself; the
 * other by an instruction that it must run out of line, at the price of a second trap. */
trapped_function trapped_cheap, trapped_stepped;

/* A program that counts its hits, loaded for one rung. */
struct trial {
	enum uprobe_rung rung;
	struct uprobe_bpf *object;
	int file_fd; /* of this executable */
};

/* 0 or -errno: the kernel does not have that rung, or does not let us. */
int trial_open(enum uprobe_rung rung, struct trial *ret);
void trial_close(struct trial *t); /* also of one that failed to open */

/* Probe one of the functions above in pid, which runs this executable. The caller frees *ret. */
int trial_attach(const struct trial *t, pid_t pid, trapped_function *function, unsigned int flags,
		 struct uprobe_set **ret);
uint64_t trial_hits(const struct trial *t);
