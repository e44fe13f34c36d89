/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads what bpf/lib/loss.bpf.h counted. */
#pragma once

#include <stdint.h>

#include "agent/model/loss.h"

/* Add the counts of a "losses" map, all CPUs together, to ret. 0 or -errno. */
int loss_read(int map_fd, uint64_t ret[LOSS_REASON_MAX]);

/* Sum over CPUs of entry key of a per-CPU array of u64. 0 or -errno. */
int percpu_read(int map_fd, uint32_t key, uint64_t *ret_sum);
