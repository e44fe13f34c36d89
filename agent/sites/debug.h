/* SPDX-License-Identifier: GPL-2.0-only */
/* DWARF of one module: from an address to functions, also inlined ones, files and lines. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/sites/module.h"

struct place {
	const char *function, *file; /* point into the module; NULL when unknown */
	uint32_t line;		     /* 0 when unknown */
};

/*
 * The module's DWARF, read when first asked for: its own, else that of a separate debug file with
 * its build-id. NULL when there is none. Valid until modules_shrink or the module's release.
 */
struct debug *debug_get(struct module *m, const struct source *source);
void debug_free(struct debug *d);

/*
 * What is at an address of the file: fills at most max places, the innermost inlined function
 * first. Returns how many; 0 when the DWARF does not cover it.
 */
size_t debug_places(struct debug *d, uint64_t address, struct place *ret, size_t max);

/* The ELF file that holds the DWARF: it may have symbols that the module lost. */
Elf *debug_elf(const struct debug *d);
