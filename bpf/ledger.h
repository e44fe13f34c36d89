/* SPDX-License-Identifier: GPL-2.0-only */
/* Wire format of the ledger: how often each process created an object of each kind. */
#pragma once

#ifdef __bpf__
#include "bpf/vmlinux.h"
#else
#include <linux/types.h>
#endif

#include "bpf/file.h"

enum ledger_kind {
	LEDGER_PROCESS,
	LEDGER_THREAD,
	LEDGER_CONNECT, /* outgoing TCP connections begun */
	LEDGER_FD,	/* and up: LEDGER_FD + enum file_kind */
	LEDGER_MAX = LEDGER_FD + FILE_KIND_MAX
};

#define LEDGER_ENTRIES 65536

struct ledger_key {
	__u32 pid; /* in seep's own PID namespace */
	__u32 kind;
	__u64 start; /* of the process, ns CLOCK_BOOTTIME: a reused number is another process */
};

_Static_assert(sizeof(struct ledger_key) == 16, "wire format");
