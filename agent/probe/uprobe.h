/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User probes by file offset on descriptors that we hold: nobody looks up a name in a foreign file
 * here. A probe belongs to a link, a link to a descriptor of this process: whatever way seep ends,
 * the kernel takes the traps out again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bpf_program;
struct reader;
struct uprobe_set;

enum uprobe_rung {
	UPROBE_NONE,
	UPROBE_PERF,  /* a perf event for each probe */
	UPROBE_MULTI, /* one link for all probes of a file, since 6.6: cheaper to detach */
};

/* What the host allows, and what it takes. */
struct uprobe_host {
	enum uprobe_rung rung;
	const char *reason;    /* why not a better rung; NULL for the best */
	double entry_seconds;  /* of CPU, a hit of an entry probe with a trivial program */
	double return_seconds; /* the same for a probe on the return, its trap at the entry included
				*/
	double step_seconds;   /* more, when the instruction there must be run out of line */
};

const char *uprobe_rung_name(enum uprobe_rung rung);

/*
 * Attaches to a function of this very process and calls it from two threads: some kernels' links
 * see only the first thread of a process. The first answer is that of the next time too. 0, or
 * -errno when no rung works here.
 */
int uprobe_calibrate(struct uprobe_host *ret);

/*
 * Whether a process with a system call filter survives a return probe. Kernels that leave the
 * probed function by a system call (since 6.11) let filters refuse it, until ba2f9324c2e1 (6.14):
 * the process would go on at a wrong place. Tried on a child of ours. 1, 0 or -errno.
 */
int uprobe_survives_filter(enum uprobe_rung rung);

/* Before the object is loaded: the kernel wants to know which rung a program is for. */
int uprobe_prepare(struct bpf_program *program, enum uprobe_rung rung);

/* Probes on one process, attached and detached together, as often as wanted. */
int uprobe_set_new(pid_t pid, enum uprobe_rung rung, struct uprobe_set **ret);
void uprobe_set_free(struct uprobe_set *set); /* detaches; accepts NULL */

enum uprobe_flags {
	UPROBE_RETURN = 1 << 0, /* when the function returns, not when it is entered */
	UPROBE_HOT = 1 << 1,	/* hit all the time: attached last, detached first */
};

/* A probe at an offset of the file; the caller keeps file_fd. Takes effect at the next attach. */
int uprobe_set_add(struct uprobe_set *set, int file_fd, uint64_t offset, int program_fd,
		   unsigned int flags);

/* How many there are, and to have only the first n of them; the latter while detached. */
size_t uprobe_set_size(const struct uprobe_set *set);
void uprobe_set_cut(struct uprobe_set *set, size_t n);

/*
 * A probe that keeps the others harmless: it stays from the first attach until the set is freed, at
 * an instruction that the process does not come to again, its program's beginning.
 *
 * When the last probe of a process is gone, the kernel takes the process for one without probes: a
 * thread that ran into a trap just before it was taken out, and whose CPU has not yet come to the
 * kernel's look at it, then gets SIGTRAP and the process ends (MMF_HAS_UPROBES in kernel/events/
 * uprobes.c: mmf_recalc_uprobes clears what uprobe_pre_sstep_notifier asks). Met once in some
 * thousand windows on a busy virtual machine. While one probe is left, this does not come about.
 */
int uprobe_hold_start(struct uprobe_set *set, struct reader *reader, int program_fd);

/*
 * All or nothing: on failure nothing of it stays attached but the hold. -EBUSY when a process keeps
 * a lock that the kernel would wait for, and with it each fork of the host (memlock.h); which one
 * it is, uprobe_set_obstacle tells, 0 for one that is not visible here.
 */
int uprobe_set_attach(struct uprobe_set *set);
pid_t uprobe_set_obstacle(const struct uprobe_set *set);

/* Returns when the last trap is gone. */
void uprobe_set_detach(struct uprobe_set *set);
