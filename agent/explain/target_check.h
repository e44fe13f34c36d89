/* SPDX-License-Identifier: GPL-2.0-only */
/* Is this a process that can be explained? */
#pragma once

#include <sys/types.h>

/*
 * Opens a descriptor that becomes readable when the process ends. On failure one line was logged:
 * no such process, a thread, a kernel thread, a zombie.
 */
int target_open(pid_t pid, int *ret_pidfd);

/* Seconds since the process began; NAN when that cannot be read. */
double target_age(pid_t pid);
