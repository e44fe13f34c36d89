/* SPDX-License-Identifier: GPL-2.0-only */
/* One explain a process at a time: two would count each other's traps as the program's. */
#pragma once

#include <sys/types.h>

/*
 * Returns a descriptor that holds the turn until it is closed, by whatever end; -EBUSY while
 * another explain has it, or another negative errno.
 */
int turn_take(pid_t pid);
