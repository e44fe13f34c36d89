/* SPDX-License-Identifier: GPL-2.0-only */
/* Where each CPU's copies of the kernel's per-CPU variables lie (bpf/percpu.bpf.c). */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Fill at most max offsets, one for each possible CPU; returns how many. 0 when there are more, or
 * negative errno when this kernel does not tell: per-CPU counters are then read without remainders.
 */
int percpu_learn(uint64_t *ret_offsets, size_t max);
