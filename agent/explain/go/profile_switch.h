/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one write into a watched program, which --active alone allows: the rate of its heap profile,
 * where the linker left it zero since nothing in the program asks for it. The runtime heeds a new
 * rate at once (src/runtime/malloc.go: since 1.24 each allocation compares it, before that each
 * reads it), and keeps its buckets and what it knows of objects that were followed until they are
 * freed.
 *
 * The address is what the reader child says, so it is not believed: it must lie in variables of the
 * program's own file, and the value there must be what is to be changed.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct goprofile_switch {
	int memory; /* of the program, open to write; -1: nothing was changed */
	uint64_t address;
	pid_t pid;
};

#define GOPROFILE_RATE 524288ull /* bytes, Go's own */

/* 0 to that rate. 0; logs one line and returns -errno when it is not done. */
int goprofile_switch_on(struct goprofile_switch *s, pid_t pid, uint64_t address);
/* And back, where nobody changed it since. Without effect when nothing was changed. */
void goprofile_switch_off(struct goprofile_switch *s);
