/* SPDX-License-Identifier: GPL-2.0-only */
/* What a system call that has succeeded did, by its row in ACQUIRE_CALLS and its saved arguments.
 */
#pragma once

#include "bpf/lib/kernel.bpf.h"
#include <bpf/bpf_tracing.h>

#include "bpf/acquire.h"
#include "bpf/lib/loss.bpf.h"

#define CLOSE_RANGE_CLOEXEC 4
#define F_DUPFD		    0
#define F_DUPFD_CLOEXEC	    1030
#define MAP_FIXED	    0x10
#define SOL_SOCKET	    1
#define SCM_RIGHTS	    1

/* Commands of bpf(2) that yield a descriptor, a bit each: MAP_CREATE, PROG_LOAD, OBJ_GET, *_BY_ID,
 * RAW_TRACEPOINT_OPEN, BTF_LOAD, LINK_CREATE, ENABLE_STATS, ITER_CREATE, TOKEN_CREATE. */
#define BPF_YIELDS_FD 0x17502e00a1ULL

static u64 last_break; /* where the heap of the process ends */

static __always_inline bool is_descriptor(u32 how)
{
	return how >= ACQUIRE_FD && how <= ACQUIRE_FD_RECEIVE;
}

static __always_inline bool is_pair(u32 how)
{
	return how == ACQUIRE_FD_PAIR0 || how == ACQUIRE_FD_PAIR3;
}

static __always_inline u32 class_of(u32 how)
{
	if (how <= ACQUIRE_CLOSE_RANGE)
		return ACQUIRE_CLASS_FD;
	if (how <= ACQUIRE_TIMER_DELETE)
		return ACQUIRE_CLASS_TIMER;
	if (how <= ACQUIRE_WATCH_REMOVE)
		return ACQUIRE_CLASS_WATCH;
	return how <= ACQUIRE_BREAK ? ACQUIRE_CLASS_MAPPING : ACQUIRE_CLASS_TASK;
}

enum verb {
	IGNORE,
	SEND,	/* tell it */
	CREATE, /* something was taken */
	END,	/* tell it if the descriptor is followed */
};

static __always_inline enum verb read_pair(struct acquire_event *e, u64 address)
{
	u32 pair[2];

	if (bpf_probe_read_user(pair, sizeof(pair), (void *)address)) {
		loss_count(LOSS_READ_FAULT);
		return IGNORE;
	}
	e->id = pair[0];
	e->other = pair[1];
	return CREATE;
}

/* The first control message of a struct user_msghdr, whose length the kernel has just set. */
static __always_inline enum verb read_received(struct acquire_event *e, u64 address)
{
	struct {
		u64 name, name_length, iov, iov_length, control, control_length;
	} message;
	struct {
		u64 length;
		u32 level, type;
		u32 fds[ACQUIRE_RECEIVED];
	} header = { .fds = { -1, -1, -1, -1 } };
	u32 size;

	if (bpf_probe_read_user(&message, sizeof(message), (void *)address) ||
	    message.control_length <= 16 ||
	    bpf_probe_read_user(&header, 16, (void *)message.control) ||
	    header.level != SOL_SOCKET || header.type != SCM_RIGHTS || header.length <= 16)
		return IGNORE;
	size = header.length < sizeof(header) ? (u32)header.length - 16 : sizeof(header.fds);
	if (size > sizeof(header.fds) ||
	    bpf_probe_read_user(header.fds, size, (void *)(message.control + 16)))
		return IGNORE;
	e->id = header.fds[0];
	e->other = (u64)header.fds[2] << 32 | header.fds[1];
	e->extra = 0xffffffff00000000ULL | header.fds[3];
	return CREATE;
}

static __always_inline enum verb read_descriptor(struct acquire_event *e, struct pt_regs *regs,
						 long ret)
{
	e->id = ret;
	switch (e->how) {
	case ACQUIRE_FD_PAIR0:
		return read_pair(e, regs->di);
	case ACQUIRE_FD_PAIR3:
		return read_pair(e, regs->r10);
	case ACQUIRE_FD_FCNTL:
		if (regs->si != F_DUPFD && regs->si != F_DUPFD_CLOEXEC)
			return IGNORE;
		/* fall through */
	case ACQUIRE_FD_DUP:
		e->other = (u32)regs->di;
		return e->other == e->id ? IGNORE : CREATE;
	case ACQUIRE_FD_BPF:
		return regs->di < 64 && (BPF_YIELDS_FD >> regs->di & 1) ? CREATE : IGNORE;
	case ACQUIRE_FD_RECEIVE:
		return read_received(e, regs->si);
	}
	return CREATE;
}

static __always_inline enum verb read_mapping(struct acquire_event *e, struct pt_regs *regs,
					      long ret)
{
	e->id = ret;
	e->other = regs->si;
	switch (e->how) {
	case ACQUIRE_MAP:
		e->extra = regs->r10 & MAP_FIXED;
		break;
	case ACQUIRE_UNMAP:
		e->id = regs->di;
		return SEND;
	case ACQUIRE_REMAP:
		e->other = regs->dx;
		e->extra = regs->di;
		return CREATE;
	case ACQUIRE_BREAK:
		e->other = last_break;
		last_break = ret;
		if (e->other == e->id)
			return IGNORE;
		return e->id > e->other ? CREATE : SEND;
	}
	return CREATE;
}

static __always_inline enum verb read_call(struct acquire_event *e, struct pt_regs *regs, long ret)
{
	u32 timer;

	switch (e->how) {
	case ACQUIRE_CLOSE:
		e->id = (u32)regs->di;
		return END;
	case ACQUIRE_CLOSE_RANGE:
		e->id = (u32)regs->di;
		e->other = (u32)regs->si;
		return regs->dx & CLOSE_RANGE_CLOEXEC ? IGNORE : SEND;
	case ACQUIRE_TIMER:
		if (bpf_probe_read_user(&timer, sizeof(timer), (void *)regs->dx))
			return IGNORE;
		e->id = timer;
		return CREATE;
	case ACQUIRE_TIMER_DELETE:
		e->id = (u32)regs->di;
		return SEND;
	case ACQUIRE_WATCH:
		e->id = ret;
		e->other = (u32)regs->di;
		return CREATE;
	case ACQUIRE_WATCH_REMOVE:
		e->id = (u32)regs->si;
		e->other = (u32)regs->di;
		return SEND;
	}
	return is_descriptor(e->how) ? read_descriptor(e, regs, ret) : read_mapping(e, regs, ret);
}
