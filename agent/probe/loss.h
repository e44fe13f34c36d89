/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads what bpf/lib/loss.bpf.h counted. */
#pragma once

#include <stdint.h>

#include "agent/model/loss.h"

/* Add the counts of a "losses" map, all CPUs together, to ret. 0 or -errno. */
int loss_read(int map_fd, uint64_t ret[LOSS_REASON_MAX]);

/* Sum over CPUs of entry key of a per-CPU array of u64. 0 or -errno. */
int percpu_read(int map_fd, uint32_t key, uint64_t *ret_sum);

/*
 * Runs of a program that the kernel skipped, since it was already running on that CPU: where
 * trampolines can be preempted, the next task that comes by is not counted. 0 before 5.12.
 */
uint64_t loss_missed_runs(int program_fd);
