/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wire format of the watch of transactions: what a PostgreSQL server last said of a connection,
 * kept with the client's socket. The server ends each answer with ReadyForQuery, whose one byte of
 * content is the state that it then waits in (PostgreSQL's documentation, 55.7 "Message Formats").
 */
#pragma once

#ifdef __bpf__
#include "bpf/vmlinux.h"
#else
#include <linux/types.h>
#endif

#include "bpf/lib/stack.h"

/* 'Z', a length of 5 that counts itself, the state. */
#define TRANSACTION_READY_BYTES 6

enum transaction_state {
	TRANSACTION_UNSEEN = 0,
	TRANSACTION_NONE = 'I',
	TRANSACTION_OPEN = 'T',
	TRANSACTION_FAILED = 'E',
};

enum transaction_tls { TRANSACTION_PLAIN, TRANSACTION_TLS_ASKED, TRANSACTION_TLS };

struct transaction_connection {
	__u64 said;   /* ns, CLOCK_MONOTONIC: the last ReadyForQuery */
	__u64 opened; /* the first of those that said T or E without an I since; 0: none */
	__u64 sent;   /* bytes of the client, last; 0: none yet */
	__u64 waited; /* ns that the server waited for the client since `opened`, until `sent` */
	__u32 received_seq, sent_seq; /* of TCP: the next byte that is expected */
	__u8 state;		      /* enum transaction_state */
	__u8 busy;		      /* the client asked, the answer did not end yet */
	__u8 tls;		      /* enum transaction_tls */
	__u8 n_tail; /* bytes of the answer so far that may begin a ReadyForQuery */
	__u8 tail[TRANSACTION_READY_BYTES];
	__u8 within; /* what the client sent last it sent within a transaction */
	__u8 pad[5];
};

struct transaction_row {
	__u32 type; /* TRANSACTION_ROW, the first word for the reader of rows */
	__u16 family;
	__u16 remote_port; /* host order */
	__u64 inode;	   /* of the socket */
	__u64 now;	   /* ns, CLOCK_MONOTONIC */
	__u32 fd;
	__u16 local_port; /* host order */
	__u8 tcp_state;	  /* include/net/tcp_states.h; a unix socket uses them too */
	__u8 pad;
	struct transaction_connection connection;
	__u8 remote_addr[16]; /* network order; IPv4 in the first four */
};

#define TRANSACTION_ROW 1

/* The last call that wrote to a descriptor which is followed. */
struct transaction_write {
	__u64 time; /* ns, CLOCK_MONOTONIC; 0: none yet */
	struct stack_copy stack;
};

/* What was heard of a unix socket, by descriptor: packets do not carry it, so calls are read. */
struct transaction_local {
	__u64 inode; /* of the socket; 0: just connected */
	struct transaction_connection connection;
};

#define TRANSACTION_LOCALS	  128  /* unix sockets */
#define TRANSACTION_FOLLOWED	  256  /* descriptors */
#define TRANSACTION_STACKS_SECOND 1000 /* stack copies; what is above goes without */

_Static_assert(sizeof(struct transaction_connection) == 56, "wire format");
