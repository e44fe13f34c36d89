// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "agent/probe/peers.h"

#define FULL (PEERS_MAX * 3 / 4)

static bool same_peer(const struct model_peer *a, const struct model_peer *b)
{
	return a->slot == b->slot && a->port == b->port && a->family == b->family &&
	       memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

static unsigned int hash_peer(const struct model_peer *peer)
{
	uint64_t parts[2], h;

	memcpy(parts, peer->addr, sizeof(parts));
	h = (parts[0] ^ parts[1] * 3 ^ ((uint64_t)peer->port << 8) ^ peer->slot) *
	    0x9e3779b97f4a7c15ULL;
	return (unsigned int)(h >> 40) % PEERS_MAX;
}

/* When the table is full, further ends are not told apart: the largest are long in it. */
void peers_count(struct peers *ps, const struct model_peer *peer)
{
	unsigned int i = hash_peer(peer);

	while (ps->table[i].count && !same_peer(&ps->table[i], peer))
		i = (i + 1) % PEERS_MAX;
	if (!ps->table[i].count) {
		if (ps->n >= FULL)
			return;
		ps->table[i] = *peer;
		ps->table[i].count = 0;
		ps->used[ps->n++] = (uint16_t)i;
	}
	ps->table[i].count += peer->count;
}

void peers_clear(struct peers *ps)
{
	for (unsigned int i = 0; i < ps->n; i++)
		ps->table[ps->used[i]].count = 0;
	ps->n = 0;
}

void peers_begin(struct peers *ps, const struct model_process *p)
{
	peers_clear(ps);
	for (unsigned int i = 0; i < p->n_peers; i++)
		peers_count(ps, &p->peers[i]);
}

const struct model_peer *peers_largest(const struct peers *ps)
{
	const struct model_peer *top = NULL;

	for (unsigned int i = 0; i < ps->n; i++)
		if (!top || ps->table[ps->used[i]].count > top->count)
			top = &ps->table[ps->used[i]];
	return top;
}

/*
 * Who connected to us comes from a new port each time, so only the address names that end; where we
 * connect to, the port does too. The lower port is the service's.
 */
void peers_add(struct peers *ps, enum seep_slot state, const struct file_socket_row *row)
{
	struct model_peer peer = {
		.count = 1,
		.slot = state,
		.family = row->family,
		.port = row->remote_port < row->local_port ? row->remote_port : 0,
	};

	memcpy(peer.addr, row->remote_addr, sizeof(peer.addr));
	peers_count(ps, &peer);
}

void peers_end(struct peers *ps, struct model_process *p)
{
	p->n_peers = 0;
	for (unsigned int i = 0; i < ps->n; i++) {
		const struct model_peer *peer = &ps->table[ps->used[i]];
		unsigned int at = p->n_peers;

		while (at > 0 && p->peers[at - 1].count < peer->count)
			at--;
		if (at >= MODEL_PEERS)
			continue;
		if (p->n_peers < MODEL_PEERS)
			p->n_peers++;
		memmove(&p->peers[at + 1], &p->peers[at], (p->n_peers - at - 1) * sizeof(*peer));
		p->peers[at] = *peer;
	}
}
