/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Only the kernel types and fields that seep reads. CO-RE relocates every access by name against
 * the running kernel's BTF, so order and padding here mean nothing. `make check` builds every
 * object once against a generated header as well, so that a field that never existed is found.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef _Bool bool;
typedef int pid_t;
typedef unsigned long size_t;

enum { false = 0, true = 1 };

/* What bpf_helpers.h expects of a vmlinux.h. */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_STACK_TRACE = 7,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};

enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };
enum { BPF_F_NO_PREALLOC = 1 };
enum { BPF_RB_NO_WAKEUP = 1 };
enum { BPF_SK_STORAGE_GET_F_CREATE = 1 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

typedef atomic64_t atomic_long_t;

typedef struct {
	u32 val;
} kuid_t;

struct rlimit {
	unsigned long rlim_cur;
	unsigned long rlim_max;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

struct pid_namespace {
	unsigned int level;
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct nsproxy {
	struct net *net_ns;
};

struct percpu_counter {
	s64 count;
	s32 *counters; /* per-CPU: what is not in count yet */
};

struct bpf_array {
	void *pptrs[0];
};

/* Resident pages: atomic counters until 6.1, per-CPU counters since 6.2 (f1a7941243c1). */
struct mm_rss_stat {
	atomic_long_t count[4];
};

struct mm_struct___atomic {
	struct mm_rss_stat rss_stat;
};

struct rw_semaphore {
	atomic_long_t count;
	atomic_long_t owner;
};

struct file;

struct mm_struct {
	struct rw_semaphore mmap_lock;
	struct file *exe_file;
	atomic_long_t pgtables_bytes;
	int map_count;
	unsigned long brk;
	unsigned long total_vm;
	struct percpu_counter rss_stat[4];
};

/* A list until 6.2, hashed lists since (d7c8b8ea3ce4 names the last change). */
struct signal_struct___list {
	struct list_head posix_timers;
};

struct signal_struct {
	int nr_threads;
	atomic_t live;
	struct hlist_head posix_timers;
	struct rlimit rlim[16];
};

struct cred {
	kuid_t uid;
};

struct files_struct {
	atomic_t count;
};

struct task_struct {
	void *stack;
	unsigned int flags;
	struct mm_struct *mm;
	int exit_state;
	pid_t pid;
	pid_t tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	u64 start_boottime;
	const struct cred *real_cred;
	char comm[16];
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	u64 self_exec_id;
	struct css_set *cgroups; /* identity only */
};

/* Renamed in 5.5 (cf25e24db61c); older kernels are out of reach anyway for want of iterators. */

struct super_block {
	unsigned long s_flags;
};

struct timespec64 {
	s64 tv_sec;
	long tv_nsec;
};

struct inode___structs {
	struct timespec64 i_atime, i_mtime, i_ctime;
};

struct inode___renamed {
	struct timespec64 __i_ctime;
};

struct inode {
	s64 i_atime_sec, i_mtime_sec, i_ctime_sec;
	unsigned short i_mode;
	unsigned int i_nlink;
	unsigned long i_ino;
	s64 i_size;
	struct super_block *i_sb;
};

struct file {
	struct inode *f_inode;
	const void *f_op;
	void *private_data;
};

struct in6_addr {
	union {
		u8 u6_addr8[16];
	} in6_u;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	u16 skc_num;
	unsigned short skc_family;
	unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
};

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	u16 sk_type;
	u16 sk_protocol;
	u32 sk_ack_backlog;
	u32 sk_max_ack_backlog;
};

struct socket {
	struct sock *sk;
};

struct tcp_sock;
struct bpf_pidns_info {
	u32 pid;
	u32 tgid;
};

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip,
		cs, flags, sp, ss;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id;
	u64 seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
};

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
	u32 uid;
};

/* What a program sees of a packet and of its socket (include/uapi/linux/bpf.h). */
struct bpf_sock {
	__u32 family;
	__u32 protocol;
	__be16 dst_port;
};

struct __sk_buff {
	__u32 len;
	struct bpf_sock *sk;
};

/* Helpers whose existence is asked before use; the values are the kernel's own. */
enum bpf_func_id {
	BPF_FUNC_sock_from_file = 162,
	BPF_FUNC_task_pt_regs = 175,
};

#pragma clang attribute pop

#endif
