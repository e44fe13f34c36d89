/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether a trap was hit by the process that is watched. */
#pragma once

#include "bpf/vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

const volatile __s32 target_pid;
const volatile __u32 target_pidns; /* inode of the namespace that target_pid counts in */
volatile __u64 target_mm;	   /* learned from the first hit */

/* By its number in seep's own PID namespace; asked until the first hit. */
static __always_inline bool has_target_pid(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	u32 level = BPF_CORE_READ(pid, level);

	for (u32 i = 0; i < 8 && i <= level; i++) {
		struct upid upid;

		bpf_core_read(&upid, sizeof(upid), &pid->numbers[i]);
		if (BPF_CORE_READ(upid.ns, ns.inum) == target_pidns)
			return upid.nr == target_pid;
	}
	return false;
}

/* The traps are in the pages of the target alone, but a fork takes them along. */
static __always_inline bool is_target(struct task_struct *task)
{
	u64 mm = (u64)BPF_CORE_READ(task, mm);

	if (!target_mm && has_target_pid(task))
		target_mm = mm;
	return mm == target_mm;
}
