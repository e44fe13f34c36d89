// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who creates, counted in the kernel at rare events. Every program is opt-in: the user side turns
 * on those of the rung that the host allows (agent/probe/ladder.h).
 *
 *   threads, processes   tp_btf task_newtask, else wake_up_new_task() by fentry or kprobe
 *   TCP connects         tp_btf inet_sock_set_state, else tcp_connect() by fentry or kprobe
 *   descriptors          fd_install() by fentry or kprobe; no tracepoint exists
 */
#include "bpf/lib/file_kind.bpf.h"
#include "bpf/lib/kernel.bpf.h"
#include "bpf/lib/loss.bpf.h"
#include <bpf/bpf_tracing.h>

#include "bpf/ledger.h"

#define CLONE_THREAD 0x00010000
#define TCP_CLOSE    7
#define TCP_SYN_SENT 2

/* seep's own PID namespace, as a file, to translate numbers. */
const volatile __u64 own_device;
const volatile __u32 own_inode;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LEDGER_ENTRIES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ledger_key);
	__type(value, __u64);
} created SEC(".maps");

static __always_inline u32 current_process(void)
{
	struct bpf_pidns_info info = {};

	if (own_inode == PID_INIT_INODE)
		return bpf_get_current_pid_tgid() >> 32;
	if (bpf_get_ns_current_pid_tgid(own_device, own_inode, &info, sizeof(info)))
		return 0;
	return info.tgid;
}

static __always_inline int count_created(u32 kind)
{
	struct task_struct *current = (struct task_struct *)bpf_get_current_task();
	struct ledger_key key = { .pid = current_process(), .kind = kind };
	u64 *count, one = 1;

	if (!key.pid)
		return 0;
	key.start = BPF_CORE_READ(current, group_leader, start_boottime);
	count = bpf_map_lookup_elem(&created, &key);
	if (!count && bpf_map_update_elem(&created, &key, &one, BPF_NOEXIST) == 0)
		return 0;
	if (!count)
		count = bpf_map_lookup_elem(&created, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		loss_count(LOSS_MAP_FULL);
	return 0;
}

/* The new task's process is its creator's own: a thread. Kernel threads are nobody's. */
static __always_inline int count_task(struct task_struct *task)
{
	u32 flags = BPF_CORE_READ(task, flags), tgid = BPF_CORE_READ(task, tgid);

	if (flags & PF_KTHREAD)
		return 0;
	return count_created(tgid == bpf_get_current_pid_tgid() >> 32 ? LEDGER_THREAD
								      : LEDGER_PROCESS);
}

SEC("?tp_btf/task_newtask")
int BPF_PROG(newtask_tp, struct task_struct *task, u64 clone_flags)
{
	return count_task(task);
}

SEC("?fentry/wake_up_new_task")
int BPF_PROG(newtask_fentry, struct task_struct *task)
{
	return count_task(task);
}

SEC("?kprobe/wake_up_new_task")
int BPF_KPROBE(newtask_kprobe, struct task_struct *task)
{
	return count_task(task);
}

/* A connect() leaves CLOSE for SYN_SENT in the context of the process that calls it. */
SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(connect_tp, const struct sock *sk, int oldstate, int newstate)
{
	if (oldstate == TCP_CLOSE && newstate == TCP_SYN_SENT)
		return count_created(LEDGER_CONNECT);
	return 0;
}

SEC("?fentry/tcp_connect")
int BPF_PROG(connect_fentry)
{
	return count_created(LEDGER_CONNECT);
}

SEC("?kprobe/tcp_connect")
int BPF_KPROBE(connect_kprobe)
{
	return count_created(LEDGER_CONNECT);
}

static __always_inline int count_file(struct file *file)
{
	u64 operations = (u64)BPF_CORE_READ(file, f_op);
	u32 mode = BPF_CORE_READ(file, f_inode, i_mode);

	return count_created(LEDGER_FD + file_kind(operations, mode));
}

SEC("?fentry/fd_install")
int BPF_PROG(install_fentry, unsigned int fd, struct file *file)
{
	return count_file(file);
}

SEC("?kprobe/fd_install")
int BPF_KPROBE(install_kprobe, unsigned int fd, struct file *file)
{
	return count_file(file);
}

char LICENSE[] SEC("license")
= "GPL";
