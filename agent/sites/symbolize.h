/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses of a process to frames with names, and names to addresses. */
#pragma once

#include "agent/sites/frames.h"
#include "agent/sites/space.h"

/* Load the C++ demangler if the host has one; before the sandbox. */
void symbolize_prepare(void);

/*
 * Write the frames of n addresses; the first is looked up as it is, the others as return addresses.
 * Without dwarf by symbols alone. Stops early when the writer is full.
 */
int symbolize(struct spaces *s, uint64_t process, const struct source *source, bool dwarf,
	      const uint64_t *pcs, size_t n, struct frame_writer *writer);

/*
 * Find a function in the module whose path ends with the name ("" for the executable). The
 * function "" is where the module begins. -ENOENT when there is no such module or function.
 */
int symbolize_find(struct spaces *s, uint64_t process, const struct source *source,
		   const char *module, const char *function, struct wire_place *ret);

/* Whether the executable has a section of that name: 1, 0 or -errno. */
int symbolize_has_section(struct spaces *s, const struct source *source, const char *section);
