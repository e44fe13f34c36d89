/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watches one process take and give back descriptors, timers, watches, mappings, threads and
 * children, by the end of its system calls (tp_btf/sys_exit) and by the tracepoints of tasks. The
 * rung needs BTF but neither tracefs nor kprobes, from 5.10 on.
 *
 * One program for all calls and not a tracepoint for each: those need tracefs, which is often not
 * mounted, and some 45 of them are slow to leave. The price: a system call of any process pays 100
 * to 150 ns, where a tracepoint for another call lets it pay 50 (getppid on Linux 6.18, a noisy
 * virtual machine, where the call alone takes 1100). It counts against the budget.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/model/loss.h"
#include "agent/model/resource.h"
#include "bpf/acquire.h"
#include "bpf/lib/stack.h"

struct acquire;

/* stack is NULL when none was taken. Both are valid during the call only. */
typedef void (*acquire_handler)(void *context, const struct acquire_event *event,
				const struct stack_copy *stack);

struct acquire_counts {
	uint64_t created[ACQUIRE_CLASS_MAX]; /* exact, whatever was sampled */
	uint64_t hits;			     /* system calls of the process that were looked at */
	double seconds;			     /* run time of the programs in all processes */
	uint64_t lost[LOSS_REASON_MAX];
};

/* Which classes to watch. */
struct acquire_config {
	pid_t pid; /* in our own PID namespace */
	bool classes[ACQUIRE_CLASS_MAX];
	size_t objects; /* how many it may hold, to size the map */
	acquire_handler handler;
	void *context;
};

/*
 * Load and attach; events come with the next acquire_poll. -ESRCH when there is no such process,
 * -EPERM or -ENOTSUP when the kernel does not let us. Logs nothing.
 */
int acquire_new(const struct acquire_config *config, struct acquire **ret);
void acquire_free(struct acquire *a);

/* Follow an object that is older than the watch. Never an error: a full map is counted. */
void acquire_follow(struct acquire *a, uint64_t key);

/* Handle what has come, without waiting. Returns the number of events or -errno. */
int acquire_poll(struct acquire *a);

/* So far, or as it was at the detach. 0, or -errno with what could be read. */
int acquire_counts(struct acquire *a, struct acquire_counts *ret);

/* Leave the process alone; what is in the ring buffer can still be polled. */
void acquire_detach(struct acquire *a);

/* The slot of a system call's descriptors; SLOT_MAX for what is no call of the table. */
enum seep_slot acquire_call_slot(unsigned int call);
/* The class that counts what is taken of this slot. */
enum acquire_class acquire_class_of(enum seep_slot slot);
