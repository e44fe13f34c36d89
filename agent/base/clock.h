/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_S 1000000000ULL

static inline double clock_seconds(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / NS_PER_S;
}

/* Seconds since the epoch. */
static inline double clock_now(void)
{
	return clock_seconds(CLOCK_REALTIME);
}

/* When CLOCK_BOOTTIME was zero, in seconds since the epoch. */
static inline double clock_boot_epoch(void)
{
	return clock_now() - clock_seconds(CLOCK_BOOTTIME);
}
