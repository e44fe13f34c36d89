/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of the code of one process. A Go program is named by its own function table, which
 * stripping leaves in it; C code in it, and every other program, by symbols and DWARF.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/model/frame.h"

struct reader;

struct naming {
	struct reader *reader;
	pid_t pid;
	char *program; /* path, escaped; owned; NULL when it has none */
	bool no_go;    /* found to be no Go program */
};

void naming_init(struct naming *n, struct reader *reader, pid_t pid);
void naming_clear(struct naming *n);

/* Name the addresses of a stack, innermost first, of which all are return addresses or lie behind a
 * system call. As reader_symbolize. */
int naming_stack(struct naming *n, const uint64_t *pcs, size_t n_pcs, struct site_frame **ret,
		 size_t *ret_n);
