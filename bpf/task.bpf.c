// SPDX-License-Identifier: GPL-2.0-only
/* Census of processes, threads and address spaces, from the kernel's own task list. */
#include "bpf/lib/kernel.bpf.h"
#include <bpf/bpf_tracing.h>

#include "bpf/percpu.h"
#include "bpf/task.h"

enum { RLIMIT_NPROC = 6, RLIMIT_NOFILE = 7, RLIMIT_AS = 9, RLIMIT_SIGPENDING = 11 };

/* seep's own PID namespace. */
const volatile __u32 own_inode;

/* An empty list points to itself, an empty hlist to nothing. */
static __always_inline bool has_posix_timers(struct signal_struct *signal)
{
	struct signal_struct___list *old = (void *)signal;

	if (bpf_core_field_exists(old->posix_timers.prev))
		return old->posix_timers.next != &old->posix_timers;
	return signal->posix_timers.first != NULL;
}

static __always_inline u32 task_flags(struct task_struct *task, struct signal_struct *signal)
{
	u32 flags = 0;

	if (task->flags & PF_KTHREAD)
		flags |= TASK_KERNEL_THREAD;
	/* A leader that exited before its threads is a zombie to the kernel, not to people. */
	if (task->exit_state == EXIT_ZOMBIE && signal->nr_threads <= 1)
		flags |= TASK_ZOMBIE;
	if (has_posix_timers(signal))
		flags |= TASK_POSIX_TIMERS;
	return flags;
}

static __always_inline int write_process(struct seq_file *seq, struct task_struct *task, u32 pid)
{
	struct signal_struct *signal = task->signal;
	struct task_process_row row = {
		.type = TASK_ROW_PROCESS,
		.pid = pid,
		.parent = pid_in_namespace(task->real_parent->group_leader, own_inode),
		.flags = task_flags(task, signal),
		.start = task->start_boottime,
		.exec_id = task->self_exec_id,
		.cgroups = (u64)task->cgroups,
		.rlimit_nofile = signal->rlim[RLIMIT_NOFILE].rlim_cur,
		.rlimit_nproc = signal->rlim[RLIMIT_NPROC].rlim_cur,
		.rlimit_sigpending = signal->rlim[RLIMIT_SIGPENDING].rlim_cur,
		.rlimit_as = signal->rlim[RLIMIT_AS].rlim_cur,
		.uid = task->real_cred->uid.val,
		.threads = signal->nr_threads,
	};
	struct nsproxy *nsproxy = task->nsproxy;

	if (nsproxy)
		row.netns = nsproxy->net_ns->ns.inum;
	bpf_probe_read_kernel_str(row.comm, sizeof(row.comm), task->comm);
	return bpf_seq_write(seq, &row, sizeof(row));
}

/* Where each CPU's copies of per-CPU variables lie; percpu_cpus is 0 when that is not known. */
const volatile __u64 percpu_offsets[PERCPU_CPUS];
const volatile __u32 percpu_cpus;

/* A counter and what the CPUs keep of it; never negative, though the parts may be. */
static __noinline s64 whole_count(s64 count, u64 remainders)
{
	if (!remainders)
		return count < 0 ? 0 : count;
	for (u32 cpu = 0; cpu < PERCPU_CPUS && cpu < percpu_cpus; cpu++) {
		s32 part = 0;

		bpf_probe_read_kernel(&part, sizeof(part),
				      (void *)(remainders + percpu_offsets[cpu]));
		count += part;
	}
	return count < 0 ? 0 : count;
}

#define mm_pages_whole(mm, which) whole_count(mm_pages(mm, which), mm_remainders(mm, which))

static __always_inline int write_memory(struct seq_file *seq, struct mm_struct *mm, u32 pid)
{
	struct task_memory_row row = {
		.type = TASK_ROW_MEMORY,
		.pid = pid,
		.mm = (u64)mm,
		.pages = { mm_pages_whole(mm, RSS_FILE), mm_pages_whole(mm, RSS_ANON),
			   mm_pages_whole(mm, RSS_SWAP), mm_pages_whole(mm, RSS_SHMEM) },
		.pagetable_bytes = mm->pgtables_bytes.counter,
		.virtual_pages = mm->total_vm,
		.mappings = mm->map_count,
	};

	return bpf_seq_write(seq, &row, sizeof(row));
}

SEC("iter/task")
int census_task(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task, *leader;
	struct mm_struct *mm;
	u32 pid;

	if (!task || task->exit_state == EXIT_DEAD)
		return 0;
	leader = task->group_leader;
	pid = pid_in_namespace(leader, own_inode);
	if (!pid)
		return 0;
	if (task->pid == leader->pid) {
		write_process(seq, task, pid);
	} else {
		struct task_thread_row row = { TASK_ROW_THREAD, pid, task->start_boottime };

		bpf_seq_write(seq, &row, sizeof(row));
		if (leader->mm)
			return 0;
	}
	mm = task->mm;
	if (mm && !(task->flags & PF_KTHREAD))
		write_memory(seq, mm, pid);
	return 0;
}

char LICENSE[] SEC("license")
= "GPL";
