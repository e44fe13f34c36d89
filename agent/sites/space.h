/* SPDX-License-Identifier: GPL-2.0-only */
/* The executable mappings of the processes that were asked about, as /proc/PID/maps has them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/sites/module.h"

#define SPACES_MAX 16

struct region {
	uint64_t start, end, offset;
	char *path; /* "" for memory without a file */
	bool vdso;
	bool looked;	       /* whether module was asked for */
	struct module *module; /* NULL when there is no ELF file to read; holds a reference */
};

struct space {
	uint64_t name; /* of the process, see protocol.h; 0 for a free slot */
	uint64_t used;
	struct region *regions; /* by address */
	size_t n;
	unsigned int fruitless, skip; /* see space_look */
};

struct spaces {
	struct space slots[SPACES_MAX];
	uint64_t clock;
	struct modules modules;
};

/* The mappings of a process, read when they are not known. *ret_fresh: that was now. */
int spaces_get(struct spaces *s, uint64_t name, const struct source *source, struct space **ret,
	       bool *ret_fresh);
/* Read them again. What was known stays when that fails: the process may have ended. */
int space_reload(struct spaces *s, struct space *space, const struct source *source);
void spaces_forget(struct spaces *s, uint64_t name);
void spaces_free(struct spaces *s);

/* The mapping that covers pc, or NULL. */
struct region *space_find(const struct space *space, uint64_t pc);
/*
 * The same; where there is none the mappings are read again, once while *fresh is false. A process
 * whose stacks always lead nowhere does not have its mappings read for each: what was fruitless is
 * tried again after twice as many misses.
 */
struct region *space_look(struct spaces *s, struct space *space, const struct source *source,
			  uint64_t pc, bool *fresh);
/* Its module, asked for once; NULL when there is none. */
struct module *region_module(struct spaces *s, struct region *region, const struct source *source);
/* pc's offset in the region's file. */
uint64_t region_offset(const struct region *region, uint64_t pc);
