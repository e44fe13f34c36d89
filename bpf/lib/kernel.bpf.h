/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels, each behind one named getter that cites the change.
 */
#pragma once

#include "bpf/vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define PF_KTHREAD   0x00200000
#define EXIT_DEAD    0x10
#define EXIT_ZOMBIE  0x20
#define SB_KERNMOUNT (1UL << 22)

enum rss_counter {
	RSS_FILE,
	RSS_ANON,
	RSS_SWAP,
	RSS_SHMEM,
	RSS_COUNTERS
}; /* include/linux/mm_types_task.h */

/*
 * Resident pages of one kind. Until 6.1 an atomic count, which the verifier lets be read by a probe
 * only; since 6.2 (f1a7941243c1) a count and per-CPU remainders, each up to 32 pages. The index has
 * to be a constant where it is written, else the compiler steps by the size that an element has in
 * our vmlinux.h and not in the kernel: hence macros.
 */
#define mm_has_atomic_counts(mm)                                                                   \
	bpf_core_field_exists(((struct mm_struct___atomic *)(mm))->rss_stat.count)
#define mm_pages(mm, which)                                                                        \
	(mm_has_atomic_counts(mm)                                                                  \
		 ? BPF_CORE_READ((struct mm_struct___atomic *)(mm), rss_stat.count[which].counter) \
		 : (mm)->rss_stat[which].count)
#define mm_remainders(mm, which)                                                                   \
	(mm_has_atomic_counts(mm) ? 0 : (u64)(mm)->rss_stat[which].counters)

/*
 * Seconds since the epoch at which a file without a name was made, at the latest: all its times
 * begin there, and what is written and read moves some of them. The times were structs until 6.10
 * (3aa63a569c64), the changed one under another name from 6.6 (13bc24457850).
 */
static __always_inline u64 file_birth(struct inode *inode)
{
	struct inode___structs *old = (void *)inode;
	struct inode___renamed *renamed = (void *)inode;
	s64 accessed, modified, changed;

	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		accessed = inode->i_atime_sec;
		modified = inode->i_mtime_sec;
		changed = inode->i_ctime_sec;
	} else if (bpf_core_field_exists(old->i_ctime)) {
		accessed = old->i_atime.tv_sec;
		modified = old->i_mtime.tv_sec;
		changed = old->i_ctime.tv_sec;
	} else if (bpf_core_field_exists(renamed->__i_ctime)) {
		accessed = modified = changed = renamed->__i_ctime.tv_sec;
	} else {
		return 0;
	}
	accessed = accessed < modified ? accessed : modified;
	return accessed < changed ? accessed : changed;
}

#define PID_INIT_INODE 0xEFFFFFFC /* of the host's PID namespace: include/linux/proc_ns.h */
#define PID_LEVELS     8	  /* of nesting that are looked through; the kernel allows 32 */

/*
 * The number of a thread (of a process: its leader) in the PID namespace with this inode, which is
 * seep's own; 0 when it is not visible there.
 */
static __always_inline u32 pid_in_namespace(struct task_struct *task, u32 inode)
{
	struct pid *pid = task->thread_pid;
	u32 top;

	if (inode == PID_INIT_INODE)
		return task->pid;
	if (!pid)
		return 0;
	top = pid->level;
	for (u32 level = 0; level < PID_LEVELS && level <= top; level++) {
		struct upid upid = {};
		u32 inum = 0;

		bpf_core_read(&upid, sizeof(upid), &pid->numbers[level]);
		bpf_core_read(&inum, sizeof(inum), &upid.ns->ns.inum);
		if (inum == inode)
			return upid.nr;
	}
	return 0;
}
