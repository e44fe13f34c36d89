/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What else the reader child can answer: a runtime that is read from the memory of the process.
 * Each is one struct, defined where its code is; the child knows no more of it. It runs within the
 * sandbox, and so it may use what the sandbox leaves (base/sandbox.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/sites/source.h"

struct service {
	/*
	 * Answer a request about a process into answer, which has *ret_size bytes; *ret_size
	 * becomes how many there are. 0 or -errno, which the parent is told. answer is aligned
	 * to 8.
	 */
	int (*answer)(const struct source *source, uint64_t process, const void *request,
		      size_t size, void *answer, size_t *ret_size);

	/* The process ended, or another takes its place. */
	void (*forget)(uint64_t process);
};

extern const struct service service_go; /* agent/runtime/go/service.c */
