// SPDX-License-Identifier: GPL-2.0-only
/* Every TCP socket of the network namespace that the iterator was created in, owned or not. */
#include "bpf/lib/kernel.bpf.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "bpf/netns.h"

#define AF_INET	   2
#define TCP_LISTEN 10

SEC("iter/tcp")
int census_netns(struct bpf_iter__tcp *ctx)
{
	struct sock_common *c = ctx->sk_common;
	struct netns_socket_row row = { .type = NETNS_ROW_SOCKET };
	struct tcp_sock *tcp;

	if (!c || c->skc_state == TCP_LISTEN)
		return 0;
	row.family = c->skc_family;
	row.state = c->skc_state;
	row.local_port = c->skc_num;
	row.remote_port = bpf_ntohs(c->skc_dport);
	if (row.family == AF_INET)
		__builtin_memcpy(row.remote_addr, &c->skc_daddr, 4);
	else
		__builtin_memcpy(row.remote_addr, &c->skc_v6_daddr, 16);
	/* TIME_WAIT and half-open sockets are no full sockets: the helper answers NULL. */
	tcp = bpf_skc_to_tcp_sock(c);
	row.ownerless = !tcp || !((struct sock *)tcp)->sk_socket;
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}

char LICENSE[] SEC("license")
= "GPL";
