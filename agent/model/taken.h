/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a process has taken of the memory that is resident in it, as its trend is judged.
 *
 * Pages of files and of shared memory become resident in whoever touches them, and stay what they
 * were: a backend of PostgreSQL goes on touching shared_buffers for hours, at a steady pace, and
 * takes nothing. That growth has an end which was set when the mapping was made. So these pages
 * count as far as the address space grows with them, which a leak of shared memory or of mapped
 * files cannot avoid; what grows within the address space of the process's first window is only
 * shown.
 */
#pragma once

#include <stdint.h>

#include "agent/model/resource.h"

struct model_cell;

/* Bytes, in the order of the slots SLOT_MEMORY_FILE and SLOT_MEMORY_SHMEM. */
struct taken {
	int64_t file, shmem;
};

/* A process as it was when its first window was over, or less if it was less since. */
struct taken_base {
	double settles; /* when that window ends; 0 before the first census */
	int64_t address_space;
	struct taken resident;
};

/* Measure at a census; *base is zero for a new process. virtual_bytes: its address space. */
struct taken taken_measure(struct taken_base *base, const struct model_cell *cells,
			   uint64_t virtual_bytes, double now, double window);

/* Keep in *t the most of the two. */
static inline void taken_most(struct taken *t, const struct taken *other)
{
	t->file = other->file > t->file ? other->file : t->file;
	t->shmem = other->shmem > t->shmem ? other->shmem : t->shmem;
}

/* What the trend of a slot is to see: what has grown old of it, all of it without ages, or for
 * memory with such pages what was taken. */
int64_t taken_of(const struct model_cell *cells, enum seep_slot slot, const struct taken *t);
