/* SPDX-License-Identifier: GPL-2.0-only */
/* What a Go program's collector takes of its CPU time, by its own numbers and the kernel's. */
#pragma once

#include <sys/types.h>

#include "agent/runtime/go/report.h"

/* CPU seconds since the program's start, NAN where not known. */
struct go_work {
	double cpu; /* of the process */
	double gc;  /* of its collector, which counts what it waits for a processor as its own: on a
		       busy host a highest estimate */
};

/* c: as just read. Reads the process's entry in /proc. */
struct go_work go_work_read(pid_t pid, const struct go_collector *c);
