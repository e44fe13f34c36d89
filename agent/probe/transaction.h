/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watches the PostgreSQL connections of one process: from its packets (cgroup_skb, from 5.11 on),
 * over unix sockets from its reads (tp_btf/sys_exit), and which call wrote to each of them last.
 *
 * For explain only: the two programs run for every packet of the process's cgroup, of whatever
 * process, 122 and 132 ns each by the kernel's own count, and every system call of the host pays
 * 108 (redis, Linux 6.18, a busy virtual machine): at 50,000 requests a second over loopback 2.5 %
 * of a core for the packets. Links and programs end with seep, by whatever end, and packets pass as
 * before.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "agent/model/loss.h"
#include "bpf/transaction.h"

struct transaction_probe;

/* The row is valid during the call only. */
typedef void (*transaction_handler)(void *context, const struct transaction_row *row);

struct transaction_counts {
	uint64_t hits;	/* packets and calls that were looked at */
	double seconds; /* run time of the programs in all processes */
	uint64_t lost[LOSS_REASON_MAX];
};

/* Load; its connections can be listed. -ESRCH, -EPERM, -ENOTSUP as the kernel says. Logs nothing.
 */
int transaction_probe_new(pid_t pid, struct transaction_probe **ret);
/* From now on hear what passes in the process's cgroup. Listed before, what exists is followed from
 * the start. */
int transaction_probe_attach(struct transaction_probe *p);
void transaction_probe_free(struct transaction_probe *p);

/* Every TCP and unix socket of the process, with what was heard of it. 0 or -errno. */
int transaction_probe_list(struct transaction_probe *p, transaction_handler handler, void *context);

/*
 * Keep the stack of the last call that writes to a descriptor. To be said again with each list:
 * what was not said since the last settling is no longer followed then.
 */
void transaction_probe_follow(struct transaction_probe *p, uint32_t fd);
/* The same for what a unix socket receives. */
void transaction_probe_listen(struct transaction_probe *p, uint32_t fd, uint64_t inode);
void transaction_probe_settle(struct transaction_probe *p);
/* Into ret, which is large. -ENOENT when nothing was written since it is followed. */
int transaction_probe_last_write(struct transaction_probe *p, uint32_t fd,
				 struct transaction_write *ret);

/* To be called often: keeps the account of what it costs. */
void transaction_probe_tick(struct transaction_probe *p);
int transaction_probe_counts(struct transaction_probe *p, struct transaction_counts *ret);

/* Leave the cgroup and the process alone; what was heard can still be listed. */
void transaction_probe_detach(struct transaction_probe *p);
