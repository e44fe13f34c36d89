/* SPDX-License-Identifier: GPL-2.0-only */
/* The TCP ports that a process listens on. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/*
 * Sets the bit of each port, whatever the address; the caller clears ports. By /proc/PID/net/tcp,
 * whose first rows are the listening sockets, and the descriptors of the process. 0 or -errno.
 */
int listening_ports(pid_t pid, uint8_t ports[65536 / 8]);
