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
 *
 * Of what a Go program has allocated since its last collection nobody knows what lives. That is a
 * saw-tooth that the next collection ends, and before the first one a straight line: a program that
 * does little fills its first 4 MiB for days, since the runtime collects at fixed times only once
 * it has collected at all. So these bytes are not taken yet. What leaks among them is, as soon as a
 * collection finds it alive.
 */
#pragma once

#include <stdint.h>

#include "agent/model/resource.h"

struct model_cell;

/* Bytes. */
struct taken {
	int64_t file, shmem; /* of SLOT_MEMORY_FILE and SLOT_MEMORY_SHMEM, what was taken */
	int64_t fresh;	     /* of SLOT_MEMORY_ANON, what is not taken yet */
};

/* A process as it was when its first window was over, or less if it was less since. */
struct taken_base {
	double settles; /* when that window ends; 0 before the first census */
	int64_t address_space;
	struct taken resident;
};

/* Measure at a census; *base is zero for a new process. virtual_bytes: its address space; fresh:
 * bytes that it allocated since its last collection. */
struct taken taken_measure(struct taken_base *base, const struct model_cell *cells,
			   uint64_t virtual_bytes, uint64_t fresh, double now, double window);

/* Add what a process of a group has taken, as its cells are added (group.c): pages that all of them
 * share count once. */
static inline void taken_add(struct taken *sum, const struct taken *t)
{
	sum->file = t->file > sum->file ? t->file : sum->file;
	sum->shmem = t->shmem > sum->shmem ? t->shmem : sum->shmem;
	sum->fresh += t->fresh;
}

/* What the trend of a slot is to see: what has grown old of it, all of it without ages, or for
 * memory with such pages what was taken. */
int64_t taken_of(const struct model_cell *cells, enum seep_slot slot, const struct taken *t);
