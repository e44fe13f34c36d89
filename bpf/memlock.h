/* SPDX-License-Identifier: GPL-2.0-only */
/* Wire format of the look at the locks of address spaces: a stream of rows. */
#pragma once

#ifdef __bpf__
#include "bpf/vmlinux.h"
#else
#include <linux/types.h>
#endif

enum memlock_row_type { MEMLOCK_ROW = 1 };

/* Of each process whose lock is held, and of the one that is asked about. */
struct memlock_row {
	__u32 type;
	__u32 pid;
	__u64 mm;    /* identity */
	__u64 owner; /* who holds it, or took it last for reading: changes when it is let go; 0 for
		      * one that nobody holds */
	__u64 program; /* identity of the inode of the executable */
	__u64 inode;   /* its number */
};

_Static_assert(sizeof(struct memlock_row) == 40, "wire format");
