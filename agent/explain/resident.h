/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Bytes of a process's resident memory that is no file's, from statm, which takes no lock of the
 * process; 0 when that cannot be read. */
uint64_t resident_private(pid_t pid);
