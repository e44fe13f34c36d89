/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wire format of the task census: a stream of rows, each begun by its type. Numbers of processes
 * are those of seep's own PID namespace.
 */
#pragma once

#ifdef __bpf__
#include "bpf/vmlinux.h"
#else
#include <linux/types.h>
#endif

enum task_row_type { TASK_ROW_PROCESS = 1, TASK_ROW_THREAD, TASK_ROW_MEMORY };

enum task_flags {
	TASK_KERNEL_THREAD = 1 << 0,
	TASK_ZOMBIE = 1 << 1,	    /* every thread exited, nobody waited */
	TASK_POSIX_TIMERS = 1 << 2, /* owns at least one timer of timer_create() */
};

/* Once a process, from its leader, which stays until the last thread is gone. */
struct task_process_row {
	__u32 type;
	__u32 pid;
	__u32 parent; /* 0 when not visible here */
	__u32 flags;
	__u64 start;   /* ns, CLOCK_BOOTTIME */
	__u64 exec_id; /* task_struct.self_exec_id */
	__u64 cgroups; /* struct css_set: one for each combination of cgroups that processes are in
			*/
	__u64 rlimit_nofile;
	__u64 rlimit_nproc;
	__u64 rlimit_sigpending;
	__u64 rlimit_as;
	__u32 uid;
	__u32 threads;
	__u32 netns; /* inode, 0 for a process that is exiting */
	__u32 pad;
	char comm[16];
};

/* Each thread beside the leader. */
struct task_thread_row {
	__u32 type;
	__u32 pid; /* of its process */
	__u64 start;
};

/* Once a process that has an address space, from the leader or, after its exit, any thread. */
struct task_memory_row {
	__u32 type;
	__u32 pid;
	__u64 mm;	/* identity: equal for processes that share one */
	__u64 pages[4]; /* file, anon, swap, shmem */
	__u64 pagetable_bytes;
	__u64 virtual_pages;
	__u32 mappings;
	__u32 pad;
};

_Static_assert(sizeof(struct task_process_row) == 104, "wire format");
_Static_assert(sizeof(struct task_thread_row) == 16, "wire format");
_Static_assert(sizeof(struct task_memory_row) == 72, "wire format");
