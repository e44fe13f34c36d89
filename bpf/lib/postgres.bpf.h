/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What PostgreSQL's protocol shows of a connection to whoever sees its packets: the end of each
 * answer, and whether the two agreed on secrecy.
 */
#pragma once

#include "bpf/transaction.h"
#include "bpf/vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PROTO_TCP  6
#define IPV6_BYTES 40

/* The first message of a client that wants to be encrypted: 8 bytes, of which the last tells how,
 * and the answer that says yes (PostgreSQL's documentation, 55.7, SSLRequest, GSSENCRequest). */
#define SECURE_REQUEST_BYTES 8
#define SSL_REQUEST	     80877103
#define GSS_REQUEST	     80877104

#define TLS_RECORD 0x17 /* application data (RFC 8446, 5.1) */

/* Where TLS records are taken for a database's, when the connection began before the watch. */
const volatile __u16 tls_ports[2] = { 5432, 6432 };

struct segment {
	u32 seq, at, bytes; /* of the payload: where it lies in the packet, how long it is */
};

/* False for what is no TCP or carries nothing. Extension headers of IPv6 are not looked through. */
static __always_inline bool read_segment(struct __sk_buff *skb, struct segment *s)
{
	u8 ip[10], tcp[13];
	u32 at = IPV6_BYTES;

	if (bpf_skb_load_bytes(skb, 0, ip, sizeof(ip)))
		return false;
	if (ip[0] >> 4 == 4)
		at = (ip[0] & 15) * 4;
	if ((ip[0] >> 4 == 4 ? ip[9] : ip[6]) != PROTO_TCP)
		return false;
	if (bpf_skb_load_bytes(skb, at, tcp, sizeof(tcp)))
		return false;
	__builtin_memcpy(&s->seq, tcp + 4, sizeof(s->seq));
	s->seq = bpf_ntohl(s->seq);
	s->at = at + (tcp[12] >> 4) * 4;
	if (skb->len <= s->at)
		return false;
	s->bytes = skb->len - s->at;
	return true;
}

static __always_inline bool is_ready(const u8 *t)
{
	return t[0] == 'Z' && !t[1] && !t[2] && !t[3] && t[4] == 5 &&
	       (t[5] == TRANSACTION_NONE || t[5] == TRANSACTION_OPEN || t[5] == TRANSACTION_FAILED);
}

/* Of a packet that carries nothing these bytes are of its header, and mean nothing. */
static __always_inline bool ends_ready(struct __sk_buff *skb)
{
	u8 tail[TRANSACTION_READY_BYTES];

	return skb->len > sizeof(tail) &&
	       !bpf_skb_load_bytes(skb, skb->len - sizeof(tail), tail, sizeof(tail)) &&
	       is_ready(tail);
}

static __always_inline bool is_tls_port(struct bpf_sock *sk)
{
	u16 port = bpf_ntohs(sk->dst_port);

	return port == tls_ports[0] || port == tls_ports[1];
}

static __always_inline bool is_tls_record(struct __sk_buff *skb, const struct segment *s)
{
	u8 head[3];

	return s->bytes > 5 && !bpf_skb_load_bytes(skb, s->at, head, sizeof(head)) &&
	       head[0] == TLS_RECORD && head[1] == 3 && head[2] <= 4;
}

/* As above, a packet's last bytes first: most packets end here. */
static __always_inline bool asks_for_secrecy(struct __sk_buff *skb)
{
	u32 words[2];

	if (skb->len < sizeof(words) ||
	    bpf_skb_load_bytes(skb, skb->len - sizeof(words), words, sizeof(words)))
		return false;
	words[1] = bpf_ntohl(words[1]);
	return bpf_ntohl(words[0]) == SECURE_REQUEST_BYTES &&
	       (words[1] == SSL_REQUEST || words[1] == GSS_REQUEST);
}

/* The last bytes of the answer: its end may come in pieces, down to single bytes. */
static __always_inline void keep_tail(struct transaction_connection *c, struct __sk_buff *skb,
				      const struct segment *s)
{
	u32 from;

	if (s->bytes >= TRANSACTION_READY_BYTES) {
		if (!bpf_skb_load_bytes(skb, skb->len - TRANSACTION_READY_BYTES, c->tail,
					TRANSACTION_READY_BYTES))
			c->n_tail = TRANSACTION_READY_BYTES;
		return;
	}
	for (u32 i = 0; i < TRANSACTION_READY_BYTES - 1 && i < s->bytes; i++) {
#pragma unroll
		for (from = 1; from < TRANSACTION_READY_BYTES; from++)
			c->tail[from - 1] = c->tail[from];
		bpf_skb_load_bytes(skb, s->at + i, &c->tail[TRANSACTION_READY_BYTES - 1], 1);
		if (c->n_tail < TRANSACTION_READY_BYTES)
			c->n_tail++;
	}
}

static __always_inline void hear(struct transaction_connection *c)
{
	u64 now = bpf_ktime_get_ns();

	c->state = c->tail[TRANSACTION_READY_BYTES - 1];
	c->said = now;
	c->busy = 0;
	if (c->state == TRANSACTION_NONE)
		c->opened = 0;
	else if (!c->opened)
		c->opened = now;
	if (c->opened == now)
		c->waited = 0;
}

/* The client sent something: the server no longer waits. */
static __always_inline void ask(struct transaction_connection *c, u64 now)
{
	c->sent = now;
	if (!c->busy && c->opened)
		c->waited += now - c->said;
	if (!c->busy)
		c->within = c->opened != 0;
	c->busy = 1;
}

static __always_inline void answer_secrecy(struct transaction_connection *c, struct __sk_buff *skb,
					   const struct segment *s)
{
	u8 answer = 0;

	bpf_skb_load_bytes(skb, s->at, &answer, 1);
	c->tls = answer == 'S' || answer == 'G' ? TRANSACTION_TLS : TRANSACTION_PLAIN;
}

/* What the server sent. Bytes that came before come again after a loss. */
static __always_inline void receive(struct transaction_connection *c, struct __sk_buff *skb,
				    const struct segment *s)
{
	u32 end = s->seq + s->bytes;

	if (c->received_seq && (s32)(end - c->received_seq) <= 0)
		return;
	if (s->seq != c->received_seq)
		c->n_tail = 0;
	c->received_seq = end;
	if (c->tls == TRANSACTION_TLS_ASKED) {
		answer_secrecy(c, skb, s);
	} else if (c->tls == TRANSACTION_PLAIN) {
		keep_tail(c, skb, s);
		if (c->n_tail == TRANSACTION_READY_BYTES && is_ready(c->tail))
			hear(c);
	}
}
