/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unwinding tables: for an address of a module, where its caller's registers are. libdw reads
 * .eh_frame (or .debug_frame) once for each address; the answer is kept in a row of 64 bytes, so a
 * stack that comes again costs a few loads a frame.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/sites/module.h"
#include "bpf/lib/stack.h"

#define CFI_ROWS 4096 /* a power of two */

/* The registers that a function hands back to its caller (psABI, figure 3.4), and the address. */
#define CFI_SAVED 7
extern const uint8_t cfi_saved[CFI_SAVED]; /* their numbers: enum stack_register */

enum cfi_kind {
	CFI_EMPTY,
	CFI_NONE,    /* no table covers the address */
	CFI_SIMPLE,  /* CFA = register + offset, every register is kept or lies at CFA + offset */
	CFI_COMPLEX, /* frame says */
};

#define CFI_SAME      INT32_MAX
#define CFI_UNDEFINED (INT32_MAX - 1)

struct cfi_row {
	uint64_t address;
	uint32_t module;
	uint8_t kind;
	uint8_t cfa_register;
	bool signal; /* a signal handler's return: the caller was interrupted, it did not call */
	int32_t cfa_offset;
	int32_t saved[CFI_SAVED]; /* offset from the CFA, CFI_SAME or CFI_UNDEFINED */
	Dwarf_Frame *frame;
};

struct cfi_cache {
	struct cfi_row rows[CFI_ROWS];
};

/* The row for an address of the module's file; valid until the next call. */
const struct cfi_row *cfi_find(struct cfi_cache *cache, struct module *m, uint64_t address);
/* Whether the tables that unwinding at run time goes by cover it, and not those for debuggers. */
bool cfi_is_of_runtime(struct module *m, uint64_t address);
void cfi_cache_free(struct cfi_cache *cache);
