// SPDX-License-Identifier: GPL-2.0-only
/* Census of descriptors and sockets, from the kernel's own tables. */
#include "bpf/lib/kernel.bpf.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "bpf/file.h"
#include "bpf/lib/file_kind.bpf.h"

#define AF_INET	   2
#define AF_INET6   10
#define TCP_LISTEN 10

/* seep's own PID namespace, and the one process to look at (0: all), by its number in there. */
const volatile __u32 own_inode;
__u32 only_pid;

/* Where the walk is. The kernel shows a row again when its buffer was full, so nothing here moves
 * before the row is written. */
static __u64 sweep_task; /* the task whose table was judged last */
static __u32 sweep_pid; /* its process here, 0: the table is counted already or not to be counted */
static __u64 sweep_table; /* the table whose row was written last, 0: none of this task yet */

/* Tables that threads hold apart from their leader, each once a process. */
struct table_key {
	u64 table;
	u32 tgid;
	u32 pad;
};

struct table_owner {
	u64 session;
	u32 tid;
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct table_key);
	__type(value, struct table_owner);
} tables SEC(".maps");

__u64 lost_tables; /* the map above was full: those tables were not counted */

/* Whether this thread is the first of its process, in this sweep, to show this table. */
static __always_inline bool first_to_show(struct task_struct *task, u64 session)
{
	struct table_key key = { (u64)task->files, task->tgid, 0 };
	struct table_owner self = { session, task->pid, 0 }, *owner;

	owner = bpf_map_lookup_elem(&tables, &key);
	if (owner && owner->session == session)
		return owner->tid == (u32)task->pid;
	if (bpf_map_update_elem(&tables, &key, &self, BPF_ANY)) {
		lost_tables++;
		return false;
	}
	return true;
}

/* The process that this task's table is to be counted for, or 0. */
static __always_inline u32 judge_table(struct task_struct *task, u64 session)
{
	struct task_struct *leader = task->group_leader;
	u32 pid = pid_in_namespace(leader, own_inode);

	if (only_pid && pid != only_pid)
		return 0;
	if (task->pid == leader->pid)
		return pid;
	if (task->files == leader->files)
		return 0;
	return first_to_show(task, session) ? pid : 0;
}

static __always_inline void fill_file(struct file_row *row, struct file *file, u32 fd)
{
	struct inode *inode = file->f_inode;
	u32 mode = inode->i_mode;

	row->type = FILE_ROW_FILE;
	row->fd = fd;
	row->file = (u64)file;
	row->inode = inode->i_ino;
	row->operations = (u64)file->f_op;
	row->kind = file_kind(row->operations, mode);
	/* A memfd never had a name: its superblock is the kernel's own. */
	if (row->kind == FILE_KIND_FILE && (mode & S_IFMT) == S_IFREG && inode->i_nlink == 0 &&
	    !(inode->i_sb->s_flags & SB_KERNMOUNT)) {
		row->flags = FILE_DELETED;
		row->detail = inode->i_size;
	} else if (row->kind == FILE_KIND_PIPE) {
		row->detail = file_birth(inode);
	}
}

static __always_inline bool is_internet(u16 family)
{
	return family == AF_INET || family == AF_INET6;
}

static __always_inline void fill_socket(struct file_socket_row *row, struct sock *sk)
{
	struct sock_common *c = &sk->__sk_common;

	row->family = c->skc_family;
	row->socket_type = sk->sk_type;
	row->protocol = sk->sk_protocol;
	if (!is_internet(row->family))
		return;
	row->state = c->skc_state;
	row->local_port = c->skc_num;
	row->remote_port = bpf_ntohs(c->skc_dport);
	row->netns = c->skc_net.net->ns.inum;
	if (row->state == TCP_LISTEN) { /* two cache lines that nobody else needs */
		row->backlog = sk->sk_ack_backlog;
		row->max_backlog = sk->sk_max_ack_backlog;
	}
	if (row->family == AF_INET)
		__builtin_memcpy(row->remote_addr, &c->skc_daddr, 4);
	else
		__builtin_memcpy(row->remote_addr, &c->skc_v6_daddr, 16);
}

/* The same through a pointer that the verifier does not know: each field is a call. */
static __always_inline void fill_socket_probed(struct file_socket_row *row, struct sock *sk)
{
	row->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	row->socket_type = BPF_CORE_READ(sk, sk_type);
	row->protocol = BPF_CORE_READ(sk, sk_protocol);
	if (!is_internet(row->family))
		return;
	row->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	row->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	row->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	row->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	row->backlog = BPF_CORE_READ(sk, sk_ack_backlog);
	row->max_backlog = BPF_CORE_READ(sk, sk_max_ack_backlog);
	if (row->family == AF_INET)
		bpf_core_read(row->remote_addr, 4, &sk->__sk_common.skc_daddr);
	else
		bpf_core_read(row->remote_addr, 16, &sk->__sk_common.skc_v6_daddr);
}

/* bpf_sock_from_file() gives a typed pointer, so that fields are plain loads; it came with 5.11
 * (4f19cab76136). Whether the file is a socket after all. */
static __always_inline bool take_socket(struct file_socket_row *row, struct file *file)
{
	struct socket *socket;
	struct sock *sk;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_sock_from_file)) {
		socket = bpf_sock_from_file(file);
		sk = socket ? socket->sk : NULL;
		if (sk)
			fill_socket(row, sk);
	} else {
		socket = file->private_data;
		sk = socket ? BPF_CORE_READ(socket, sk) : NULL;
		if (sk)
			fill_socket_probed(row, sk);
	}
	if (sk)
		row->file.type = FILE_ROW_SOCKET;
	return sk != NULL;
}

static __always_inline int write_table(struct seq_file *seq, struct task_struct *task)
{
	struct file_table_row row = {
		.type = FILE_ROW_TABLE,
		.pid = sweep_pid,
		.thread = pid_in_namespace(task, own_inode),
		.table = (u64)task->files,
	};

	return bpf_seq_write(seq, &row, sizeof(row));
}

SEC("iter/task_file")
int census_file(struct bpf_iter__task_file *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct file_socket_row row = {};
	bool socket;

	if (!task || !file) {
		sweep_task = 0;
		return 0;
	}
	if ((u64)task != sweep_task) {
		sweep_pid = judge_table(task, ctx->meta->session_id);
		sweep_task = (u64)task;
		sweep_table = 0;
	}
	if (!sweep_pid)
		return 0;
	if (!sweep_table && write_table(seq, task))
		return 0;
	fill_file(&row.file, file, ctx->fd);
	socket = row.file.kind == FILE_KIND_SOCKET && take_socket(&row, file);
	if (bpf_seq_write(seq, &row, socket ? sizeof(row) : sizeof(row.file)) == 0)
		sweep_table = (u64)task->files;
	return 0;
}

char LICENSE[] SEC("license")
= "GPL";
