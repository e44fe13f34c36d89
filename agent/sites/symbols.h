/* SPDX-License-Identifier: GPL-2.0-only */
/* Function symbols of a module, for what has no DWARF and for probes by name. */
#pragma once

#include <stdint.h>

#include "agent/sites/module.h"

/* The module's symbols, read when first asked for; extra is a debug file's ELF or NULL. */
struct symbols *symbols_get(struct module *m, Elf *extra);
void symbols_free(struct symbols *s);

/* The function that covers an address of the file; NULL when none does. */
const char *symbols_name(const struct symbols *s, uint64_t address);

/* The address of a defined function, the default version if there are several. -ENOENT. */
int symbols_find(const struct module *m, const char *name, uint64_t *ret_address);
