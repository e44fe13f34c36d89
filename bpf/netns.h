/* SPDX-License-Identifier: GPL-2.0-only */
/* Wire format of the socket census of one network namespace: a row a TCP socket that is no
 * listener. */
#pragma once

#ifdef __bpf__
#include "bpf/vmlinux.h"
#else
#include <linux/types.h>
#endif

#define NETNS_ROW_SOCKET 1

struct netns_socket_row {
	__u32 type;
	__u16 family;
	__u16 local_port;     /* host order */
	__u16 remote_port;    /* host order */
	__u8 state;	      /* include/net/tcp_states.h */
	__u8 ownerless;	      /* no process holds it */
	__u8 remote_addr[16]; /* network order; IPv4 in the first four */
	__u32 pad;
};

_Static_assert(sizeof(struct netns_socket_row) == 32, "wire format");
