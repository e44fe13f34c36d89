/* SPDX-License-Identifier: GPL-2.0-only */
/* The functions around an address within one DWARF unit. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#define SCOPES_MAX 16

struct scopes {
	Dwarf_Die dies[SCOPES_MAX]; /* the function, then what is inlined in it, each in the last */
	size_t n;
};

/* n is 0 when the unit has no function there, or too many DIEs to tell in time. */
void scopes_find(Dwarf_Die *unit, uint64_t address, struct scopes *ret);

/* The linkage name if there is one that a C++ demangler knows, else the name, else NULL. */
const char *scope_name(Dwarf_Die *scope);
