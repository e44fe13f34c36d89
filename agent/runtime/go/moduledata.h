/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The runtime's own record of where the parts of the program are (struct moduledata of
 * src/runtime/symtab.go), found in the process's memory: there it is relocated, whatever way the
 * program was linked.
 */
#pragma once

#include "agent/runtime/go/image.h"
#include "agent/runtime/go/pclntab.h"

#define GO_DATA_RANGES 4

struct go_module {
	struct go_table table;
	struct go_bytes data[GO_DATA_RANGES]; /* variables: noptrdata, data, bss, noptrbss */
};

/* 0; -ENODATA when there is no function table of Go 1.18 or later, or no record that knows it. */
int go_module_find(const struct go_image *image, struct go_memory *memory, struct go_module *ret);

/* Whether a variable of that size can be there. */
bool go_module_is_data(const struct go_module *m, uint64_t address, uint64_t size);
bool go_module_is_code(const struct go_module *m, uint64_t address);
