/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#define PERCPU_CPUS                                                                                \
	256 /* of a host with more, per-CPU counters are read without their remainders */
