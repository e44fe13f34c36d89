// SPDX-License-Identifier: GPL-2.0-only
/* Which address spaces are locked at this moment: a look that takes no lock itself. */
#include "bpf/lib/kernel.bpf.h"
#include <bpf/bpf_tracing.h>

#include "bpf/memlock.h"

/* seep's own PID namespace. */
const volatile __u32 own_inode;

/* Whose row is written in any case, in that namespace. */
__u32 asked;

/*
 * Readers and writers of an rw_semaphore are counted in one word, beside a flag for those who wait
 * (kernel/locking/rwsem.c); it is zero when the lock is free. A kernel with PREEMPT_RT has another
 * lock, of which nothing is known here.
 */
static __always_inline u64 holder_of(struct mm_struct *mm)
{
	struct rw_semaphore *lock = &mm->mmap_lock;

	if (!bpf_core_field_exists(lock->owner) || !lock->count.counter)
		return 0;
	return (u64)lock->owner.counter | 1; /* a kernel without lock statistics may leave it 0 */
}

SEC("iter/task")
int look_at_locks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct memlock_row row = { .type = MEMLOCK_ROW };
	struct mm_struct *mm;
	struct file *program;

	if (!task || task->flags & PF_KTHREAD)
		return 0;
	mm = task->mm;
	/* Threads share what their leader has, while it has not exited. */
	if (!mm || (task->pid != task->tgid && task->group_leader->mm))
		return 0;
	row.owner = holder_of(mm);
	row.pid = pid_in_namespace(task->group_leader, own_inode);
	if (!row.owner && (!row.pid || row.pid != asked))
		return 0;
	row.mm = (u64)mm;
	program = mm->exe_file;
	if (program) {
		row.program = (u64)program->f_inode;
		row.inode = program->f_inode->i_ino;
	}
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}

char LICENSE[] SEC("license")
= "GPL";
