/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The opener: a child with the three capabilities that opening what strangers have mapped takes,
 * and no call but to open. It reads nothing but the kernel's list of mappings. An open can wait for
 * the target's mmap lock or for its file server without end, so it must not happen in the root
 * process.
 */
#pragma once

#include <stdint.h>

#include "agent/sites/protocol.h"

struct opener;

int opener_new(struct opener **ret);
void opener_free(struct opener *o);

/*
 * Open what is asked for, of the process whose /proc/PID the descriptor proc is on; the caller
 * closes *ret_fd. Takes at most a second and never more than the deadline (monotonic_ns):
 * then -ETIMEDOUT, and the child is replaced. -EACCES for what is no regular file.
 */
int opener_open(struct opener *o, int proc, const struct wire_ask *ask, uint64_t deadline,
		int *ret_fd);
