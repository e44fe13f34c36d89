/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wire format of the descriptor census: for each table of descriptors one row, then a row for each
 * descriptor in it, in the order of their numbers.
 */
#pragma once

#ifdef __bpf__
#include "bpf/vmlinux.h"
#else
#include <linux/types.h>
#endif

enum file_row_type { FILE_ROW_TABLE = 1, FILE_ROW_FILE, FILE_ROW_SOCKET };

/* What a descriptor is. The kinds below FILE_KIND_LEARNED are known by the file operations that
 * seep learned from descriptors of its own, the rest by the type of the inode. */
enum file_kind {
	FILE_KIND_OTHER,
	FILE_KIND_EVENTFD,
	FILE_KIND_TIMERFD,
	FILE_KIND_SIGNALFD,
	FILE_KIND_EPOLL,
	FILE_KIND_INOTIFY,
	FILE_KIND_PIDFD,
	FILE_KIND_IO_URING,
	FILE_KIND_LEARNED,
	FILE_KIND_FILE = FILE_KIND_LEARNED,
	FILE_KIND_PIPE,
	FILE_KIND_SOCKET,
	FILE_KIND_MAX
};

enum file_flags {
	FILE_DELETED = 1 << 0, /* no name is left; detail is what it holds */
};

struct file_table_row {
	__u32 type;
	__u32 pid;    /* in seep's own PID namespace */
	__u32 thread; /* one that uses the table: the leader unless it has exited or another one */
	__u32 pad;
	__u64 table; /* struct files_struct */
};

/* file, inode and the number name an object between two censuses. */
struct file_row {
	__u32 type;
	__u32 fd;
	__u64 file;   /* struct file */
	__u64 inode;  /* number */
	__u64 detail; /* bytes of a deleted file; of a pipe, when it was made (seconds, file_birth)
		       */
	__u64 operations; /* struct file_operations: how a kind is learned */
	__u32 kind;
	__u32 flags;
};

struct file_socket_row {
	struct file_row file;
	__u16 family;
	__u16 socket_type;
	__u16 protocol;
	__u16 local_port;  /* host order */
	__u16 remote_port; /* host order */
	__u8 state;	   /* TCP_ESTABLISHED .. of include/net/tcp_states.h */
	__u8 pad[5];
	__u8 remote_addr[16]; /* network order; IPv4 in the first four */
	__u32 netns;
	__u32 backlog; /* of a listener: connections waiting */
	__u32 max_backlog;
	__u32 pad2;
};

_Static_assert(sizeof(struct file_table_row) == 24, "wire format");
_Static_assert(sizeof(struct file_row) == 48, "wire format");
_Static_assert(sizeof(struct file_socket_row) == 96, "wire format");
