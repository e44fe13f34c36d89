// SPDX-License-Identifier: GPL-2.0-only
/*
 * Explain's watch of transactions: what PostgreSQL servers say to the clients of one cgroup, read
 * from the packets as they pass. Nothing is looked at but the last six bytes of what a server sent:
 * an answer ends with ReadyForQuery, and whoever left a transaction open is told so by it. Every
 * packet passes: a program that returned anything but 1 would drop it.
 *
 * What is known of a connection is kept with its socket, and goes with it.
 */
#include "bpf/lib/kernel.bpf.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "bpf/lib/loss.bpf.h"
#include "bpf/lib/postgres.bpf.h"
#include "bpf/lib/stackcopy.bpf.h"
#include "bpf/transaction.h"

#define PASS	    1
#define AF_UNIX	    1
#define AF_INET	    2
#define SOCK_STREAM 1

const volatile __u32 wanted_pid; /* in the PID namespace of own_inode, which is seep's */
const volatile __u32 own_inode;

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct transaction_connection);
} connections SEC(".maps");

/* By descriptor; user space says which, and a connect() does, whose first writes would be missed.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, TRANSACTION_FOLLOWED);
	__type(key, u32);
	__type(value, struct transaction_write);
} writes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, TRANSACTION_LOCALS);
	__type(key, u32);
	__type(value, struct transaction_local);
} locals SEC(".maps");

/* Never written: what a new entry of the map above begins as. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct transaction_write);
} nothing SEC(".maps");

__u64 hits; /* packets of connections that are known, and calls that were looked at */

static __always_inline void count_hit(void)
{
	__sync_fetch_and_add(&hits, 1);
}

__s32 target; /* its number on the host; 0: not seen by transaction_list yet */

static __always_inline struct transaction_connection *connection_new(struct bpf_sock *sk)
{
	struct transaction_connection *c =
		bpf_sk_storage_get(&connections, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!c)
		loss_count(LOSS_MAP_FULL);
	return c;
}

SEC("cgroup_skb/ingress")
int transaction_receive(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct transaction_connection *c;
	struct segment s;
	bool ready;

	if (!sk)
		return PASS;
	sk = bpf_sk_fullsock(sk);
	if (!sk || sk->protocol != PROTO_TCP)
		return PASS;
	c = bpf_sk_storage_get(&connections, sk, 0, 0);
	ready = !c && ends_ready(skb);
	if (!c && !ready && !is_tls_port(sk))
		return PASS;
	if (!read_segment(skb, &s))
		return PASS;
	if (!c && (ready ? s.bytes >= TRANSACTION_READY_BYTES : is_tls_record(skb, &s))) {
		c = connection_new(sk);
		if (c && !ready)
			c->tls = TRANSACTION_TLS;
	}
	if (!c)
		return PASS;
	count_hit();
	receive(c, skb, &s);
	return PASS;
}

SEC("cgroup_skb/egress")
int transaction_send(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct transaction_connection *c;
	struct segment s;

	if (!sk)
		return PASS;
	sk = bpf_sk_fullsock(sk);
	if (!sk || sk->protocol != PROTO_TCP)
		return PASS;
	c = bpf_sk_storage_get(&connections, sk, 0, 0);
	if (!c && !asks_for_secrecy(skb))
		return PASS;
	if (!read_segment(skb, &s))
		return PASS;
	if (!c && s.bytes == SECURE_REQUEST_BYTES) {
		c = connection_new(sk);
		if (c)
			c->tls = TRANSACTION_TLS_ASKED;
	}
	if (!c || (c->sent_seq && (s32)(s.seq + s.bytes - c->sent_seq) <= 0))
		return PASS;
	count_hit();
	c->sent_seq = s.seq + s.bytes;
	ask(c, bpf_ktime_get_ns());
	return PASS;
}

enum {
	CALL_READ = 0,
	CALL_WRITE = 1,
	CALL_WRITEV = 20,
	CALL_CONNECT = 42,
	CALL_SENDTO = 44,
	CALL_RECVFROM = 45,
	CALL_SENDMSG = 46
};

static __always_inline bool is_write(u64 call)
{
	return call == CALL_WRITE || call == CALL_WRITEV || call == CALL_SENDTO ||
	       call == CALL_SENDMSG;
}

/* Copies are the dear part: so many a second, and then the last write has no stack. */
static __always_inline bool may_copy(u64 now)
{
	static u64 second;
	static u32 taken;

	if (now - second > 1000000000ULL) {
		second = now;
		taken = 0;
	}
	if (taken++ < TRANSACTION_STACKS_SECOND)
		return true;
	loss_count(LOSS_RATE_LIMITED);
	return false;
}

static __always_inline void follow(u32 fd)
{
	u32 zero = 0;
	struct transaction_write *w = bpf_map_lookup_elem(&nothing, &zero);

	if (w && bpf_map_update_elem(&writes, &fd, w, BPF_ANY))
		loss_count(LOSS_MAP_FULL);
}

/* A unix socket that connects is new, whatever its number was before. */
static __always_inline void connect_local(u32 fd, const void *address)
{
	struct transaction_local none = {};
	u16 family = 0;

	bpf_probe_read_user(&family, sizeof(family), address);
	if (family == AF_UNIX && bpf_map_update_elem(&locals, &fd, &none, BPF_ANY))
		loss_count(LOSS_MAP_FULL);
}

/* The end of what a read of a unix socket gave. An end that comes in two reads is missed. */
static __always_inline void receive_local(u32 fd, const void *buffer, long bytes)
{
	struct transaction_local *l = bpf_map_lookup_elem(&locals, &fd);
	u8 tail[TRANSACTION_READY_BYTES];

	if (!l || bytes < (long)sizeof(tail) ||
	    bpf_probe_read_user(tail, sizeof(tail), buffer + bytes - sizeof(tail)) ||
	    !is_ready(tail))
		return;
	__builtin_memcpy(l->connection.tail, tail, sizeof(tail));
	hear(&l->connection);
	count_hit();
}

static __always_inline void send_local(u32 fd, u64 now)
{
	struct transaction_local *l = bpf_map_lookup_elem(&locals, &fd);

	if (l)
		ask(&l->connection, now);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(transaction_call, struct pt_regs *regs, long ret)
{
	struct transaction_write *w;
	u64 call, now;
	u32 fd;

	if (!target || (s32)(bpf_get_current_pid_tgid() >> 32) != target)
		return 0;
	call = regs->orig_ax;
	fd = regs->di;
	if (call == CALL_CONNECT) {
		follow(fd);
		connect_local(fd, (void *)regs->si);
	} else if ((call == CALL_READ || call == CALL_RECVFROM) && ret > 0) {
		receive_local(fd, (void *)regs->si, ret);
	}
	if (!is_write(call) || ret <= 0)
		return 0;
	now = bpf_ktime_get_ns();
	send_local(fd, now);
	w = bpf_map_lookup_elem(&writes, &fd);
	if (!w || !may_copy(now))
		return 0;
	count_hit();
	w->time = 0;
	if (stack_copy_take(&w->stack, regs))
		w->time = now;
	else
		loss_count(LOSS_READ_FAULT);
	return 0;
}

static __always_inline void fill_heard(struct transaction_row *row, struct sock *sk)
{
	struct transaction_connection *c = bpf_sk_storage_get(&connections, sk, 0, 0);

	if (c)
		row->connection = *c;
	row->local_port = sk->__sk_common.skc_num;
	row->remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
	if (row->family == AF_INET)
		__builtin_memcpy(row->remote_addr, &sk->__sk_common.skc_daddr, 4);
	else
		__builtin_memcpy(row->remote_addr, &sk->__sk_common.skc_v6_daddr, 16);
}

/* What was heard by another descriptor of that number is not this one's. */
static __always_inline void fill_local(struct transaction_row *row)
{
	struct transaction_local *l = bpf_map_lookup_elem(&locals, &row->fd);

	if (!l)
		return;
	if (l->inode && l->inode != row->inode)
		__builtin_memset(&l->connection, 0, sizeof(l->connection));
	l->inode = row->inode;
	row->connection = l->connection;
}

/* The sockets of the process, each with what was heard of it. 5.11 brought what this needs. */
SEC("iter/task_file")
int transaction_list(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct transaction_row row = { .type = TRANSACTION_ROW, .fd = ctx->fd };
	struct socket *socket;
	struct sock *sk;

	if (!task || !file || pid_in_namespace(task->group_leader, own_inode) != wanted_pid)
		return 0;
	target = task->tgid;
	socket = bpf_sock_from_file(file);
	sk = socket ? socket->sk : NULL;
	if (!sk || sk->sk_type != SOCK_STREAM)
		return 0;
	row.inode = file->f_inode->i_ino;
	row.family = sk->__sk_common.skc_family;
	if (row.family == AF_UNIX)
		fill_local(&row);
	else if (sk->sk_protocol == PROTO_TCP)
		fill_heard(&row, sk);
	else
		return 0;
	row.now = bpf_ktime_get_ns();
	row.tcp_state = sk->__sk_common.skc_state;
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}

char LICENSE[] SEC("license")
= "GPL";
