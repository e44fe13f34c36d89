/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The remote ends that a process is connected to, by TCP state: who the connections that pile up go
 * to. A bounded hash for the process at hand; the largest few stay in the model.
 */
#pragma once

#include "agent/model/model.h"
#include "bpf/file.h"

#define PEERS_MAX 1024 /* told apart; a power of two */

struct peers {
	struct model_peer table[PEERS_MAX]; /* count 0: free */
	unsigned int n;
	uint16_t used[PEERS_MAX]; /* places in the table, so that clearing costs what was used */
};

/* Start with what the process's earlier tables gave in this census. */
void peers_begin(struct peers *ps, const struct model_process *p);
void peers_add(struct peers *ps, enum seep_slot state, const struct file_socket_row *row);
/* The two above in parts: an empty table, and one end counted peer->count times. */
void peers_clear(struct peers *ps);
void peers_count(struct peers *ps, const struct model_peer *peer);
/* NULL when there is none. */
const struct model_peer *peers_largest(const struct peers *ps);
/* Leave the largest in the process, largest first. */
void peers_end(struct peers *ps, struct model_process *p);
