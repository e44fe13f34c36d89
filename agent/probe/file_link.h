/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "agent/model/resource.h"

/* The slot of a descriptor by what /proc/PID/fd/N links to: the kernel's words for it, which begin
 * with no slash, are in fs/anon_inodes.c and in the d_dname of each of its file systems. */
enum seep_slot file_link_slot(const char *link);
