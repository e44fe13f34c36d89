/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The order in which the dynamic linker of a process looks names up: of two libraries that have a
 * malloc the first serves it. Addresses do not tell: a kernel from 6.7 on puts large mappings on
 * boundaries of 2 MiB (mm/huge_memory.c, thp_get_unmapped_area), and what is loaded later may come
 * to lie in the gap above. Runs in the sandboxed child; the list is the process's own and may lie.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/sites/source.h"

#define LOAD_ORDER_MAX 1024

/*
 * Load addresses (l_addr) of the executable and its libraries, first looked up first, at most max
 * of them. Layouts: <link.h> of the C library, struct r_debug and link_map. -ENODATA when the
 * process has no such list (it is linked statically), -EFAULT when it leads nowhere, or as the
 * source and pread.
 */
int load_order(const struct source *source, uint64_t *ret, size_t max, size_t *ret_n);
