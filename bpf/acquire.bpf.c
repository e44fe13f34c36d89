// SPDX-License-Identifier: GPL-2.0-only
/*
 * Explain's watch of one process. The end of a system call alone is enough: the saved registers
 * still hold its arguments, and only a call that succeeded counts. Every system call of the host
 * passes here, so the first thing done is to send the others away.
 */
#include "bpf/lib/kernel.bpf.h"
#include <bpf/bpf_tracing.h>

#include "bpf/acquire.h"
#include "bpf/lib/acquire_call.bpf.h"
#include "bpf/lib/loss.bpf.h"
#include "bpf/lib/stackcopy.bpf.h"

#define CLONE_THREAD 0x00010000
#define SECOND	     1000000000ULL

/* User space clears the calls that nobody asked for before it loads. */
#define X(number, name, how, slot) [number] = ACQUIRE_##how,
const volatile __u8 actions[ACQUIRE_MAX_CALL] = { ACQUIRE_CALLS(X) };
#undef X

const volatile __u32 wanted_pid; /* in the PID namespace of own_inode, which is seep's */
const volatile __u32 own_inode;

__s32 target; /* its number on the host; 0: not armed */

struct record {
	struct acquire_event event;
	struct stack_copy stack;
};

struct sampler {
	u64 window; /* when it began, ns */
	u32 seen, taken, shift;
};

static struct sampler samplers[8];
_Static_assert(ACQUIRE_CLASS_MAX <= 8, "one sampler a class");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} events SEC(".maps");

/* What user space follows, so that only its end is told. Sized at load. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, u64);
	__type(value, u32); /* of a task: its number in seep's PID namespace */
} tracked SEC(".maps");

/* A record for system calls and one for tasks: neither interrupts itself. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct record);
} scratch SEC(".maps");

/* Exact numbers, whatever is sampled: creations of each class, then runs in the process. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ACQUIRE_CLASS_MAX + 1);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

static __always_inline void count(u32 what)
{
	u64 *n = bpf_map_lookup_elem(&counts, &what);

	if (n)
		(*n)++;
}

static __always_inline void track(u64 key, u32 value)
{
	if (bpf_map_update_elem(&tracked, &key, &value, BPF_ANY))
		loss_count(LOSS_MAP_FULL);
}

static __always_inline bool untrack(u64 key)
{
	return bpf_map_delete_elem(&tracked, &key) == 0;
}

static __always_inline void send(struct acquire_event *e)
{
	if (bpf_ringbuf_output(&events, e, sizeof(*e), BPF_RB_NO_WAKEUP))
		loss_count(LOSS_RING_FULL);
}

/*
 * How many creations this one stands for, 0 if it is not followed. A power of two, found from the
 * rate of the last second, doubled within a second that turns out busier. By chance and not by
 * turns, since two sites that alternate would otherwise hide each other.
 */
static __always_inline u32 sample(u32 class, u64 now)
{
	struct sampler *s = &samplers[class & 7];
	u32 shift;

	if (now - s->window > SECOND) {
		u32 rate = now - s->window < 2 * SECOND ? s->seen : 0;

		for (shift = 0; shift < 20 && (rate >> shift) > ACQUIRE_STACKS_PER_SECOND; shift++)
			;
		s->shift = shift;
		s->window = now;
		s->seen = s->taken = 0;
	}
	s->seen++;
	shift = s->shift & 31;
	if (bpf_get_prandom_u32() & ((1U << shift) - 1))
		return 0;
	if (++s->taken >= ACQUIRE_STACKS_PER_SECOND && shift < 20) {
		s->taken = 0;
		s->shift = shift + 1;
	}
	return 1U << shift;
}

static __always_inline void send_with_stack(struct acquire_event *e, const void *registers,
					    u32 slot)
{
	struct record *r = bpf_map_lookup_elem(&scratch, &slot);
	u64 size = sizeof(*e);

	if (!r)
		return;
	r->event = *e;
	if (stack_copy_take(&r->stack, registers)) {
		r->event.has_stack = 1;
		size += stack_copy_size(&r->stack);
	} else {
		loss_count(LOSS_READ_FAULT);
	}
	if (size > sizeof(*r))
		return;
	if (bpf_ringbuf_output(&events, r, size, BPF_RB_NO_WAKEUP))
		loss_count(LOSS_RING_FULL);
}

/* A number that was followed and is taken anew was given back in between, unseen. */
static __always_inline void skip(struct acquire_event *e, u64 key)
{
	if (untrack(key)) {
		e->how = ACQUIRE_CLOSE;
		send(e);
	}
}

static __always_inline void create(struct acquire_event *e, const void *registers, u32 slot)
{
	u32 class = class_of(e->how);

	count(class);
	if (is_pair(e->how))
		count(class);
	e->weight = sample(class, e->time);
	if (is_descriptor(e->how)) {
		if (!e->weight)
			return skip(e, ACQUIRE_KEY(ACQUIRE_CLASS_FD, e->id));
		track(ACQUIRE_KEY(ACQUIRE_CLASS_FD, e->id), 0);
		if (is_pair(e->how))
			track(ACQUIRE_KEY(ACQUIRE_CLASS_FD, e->other), 0);
	} else if (class == ACQUIRE_CLASS_TASK && e->weight) {
		track(ACQUIRE_KEY(ACQUIRE_CLASS_TASK, e->id), e->other);
	}
	if (e->weight)
		send_with_stack(e, registers, slot);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(acquire_call, struct pt_regs *regs, long ret)
{
	struct acquire_event e = {};
	u64 call;

	if (!target || (s32)(bpf_get_current_pid_tgid() >> 32) != target)
		return 0;
	count(ACQUIRE_CLASS_MAX);
	call = regs->orig_ax;
	if (call >= ACQUIRE_MAX_CALL || (ret < 0 && ret >= -4095))
		return 0;
	e.how = actions[call];
	if (e.how == ACQUIRE_NOTHING)
		return 0;
	e.call = call;
	e.time = bpf_ktime_get_ns();
	switch (read_call(&e, regs, ret)) {
	case CREATE:
		create(&e, regs, 0);
		break;
	case END:
		if (!untrack(ACQUIRE_KEY(ACQUIRE_CLASS_FD, e.id)))
			break;
		/* fall through */
	case SEND:
		send(&e);
		break;
	case IGNORE:
		break;
	}
	return 0;
}

static __always_inline void task_event(struct acquire_event *e, u32 how)
{
	e->how = how;
	e->call = ACQUIRE_MAX_CALL;
	e->time = bpf_ktime_get_ns();
}

/* Runs in the creator, so its stack is the caller of pthread_create() or fork(). */
SEC("?tp_btf/task_newtask")
int BPF_PROG(acquire_task, struct task_struct *task, u64 clone_flags)
{
	struct acquire_event e = {};

	if (!target || (s32)(bpf_get_current_pid_tgid() >> 32) != target)
		return 0;
	task_event(&e, clone_flags & CLONE_THREAD ? ACQUIRE_THREAD : ACQUIRE_CHILD);
	e.id = task->pid;
	e.other = pid_in_namespace(task, own_inode);
	create(&e, stack_user_registers(), 1);
	return 0;
}

/* Tell the end, or the change, of a task that is followed. */
static __always_inline void task_changes(u32 pid, u32 how, bool over)
{
	u64 key = ACQUIRE_KEY(ACQUIRE_CLASS_TASK, pid);
	u32 *number = bpf_map_lookup_elem(&tracked, &key);
	struct acquire_event e = {};

	if (!number)
		return;
	task_event(&e, how);
	e.id = pid;
	e.other = *number;
	send(&e);
	if (over)
		untrack(key);
}

/* A thread is gone when it exits; of a child, the last thread makes it a zombie. */
SEC("?tp_btf/sched_process_exit")
int BPF_PROG(acquire_exit, struct task_struct *task)
{
	if (!target)
		return 0;
	if (task->tgid == target)
		task_changes(task->pid, ACQUIRE_THREAD_EXIT, true);
	else if (task->signal->live.counter == 0)
		task_changes(task->tgid, ACQUIRE_CHILD_EXIT, false);
	return 0;
}

/* After the parent has waited, or at once if it ignores its children; a grace period later. */
SEC("?tp_btf/sched_process_free")
int BPF_PROG(acquire_free, struct task_struct *task)
{
	if (target)
		task_changes(task->pid, ACQUIRE_CHILD_REAPED, true);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(acquire_exec, struct task_struct *task)
{
	struct acquire_event e = {};

	if (!target || task->tgid != target)
		return 0;
	last_break = 0;
	task_event(&e, ACQUIRE_EXEC);
	send(&e);
	return 0;
}

/* Arms: the process has another number on the host if seep runs in a PID namespace. */
SEC("iter/task")
int acquire_find(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (!task || task->pid != task->tgid || pid_in_namespace(task, own_inode) != wanted_pid)
		return 0;
	if (task->mm)
		last_break = task->mm->brk;
	target = task->tgid;
	return 0;
}

char LICENSE[] SEC("license")
= "GPL";
