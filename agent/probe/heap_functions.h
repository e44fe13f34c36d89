/* SPDX-License-Identifier: GPL-2.0-only */
/* Which functions of a process give and take memory, and where they are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/heap.h"

struct reader;

#define HEAP_PROBES 48
#define HEAP_HOT    2 /* the first places: malloc and free, or what stands for them */

/* A function to probe. */
struct heap_place {
	struct heap_function what;
	uint64_t address; /* in the process */
	uint64_t offset;  /* in the file, where the probe goes */
	bool stepped;	  /* the kernel must run the instruction there out of line */
	int fd;		  /* of the file, owned */
};

struct heap_places {
	struct heap_place rows[HEAP_PROBES];
	size_t n;
	char *allocator; /* escaped path of the file that has them */
};

/*
 * With alloc_function, that one and free_function alone: the first is taken to be like
 * malloc(size). Else the allocator that the program's calls are bound to: the first in the dynamic
 * linker's order which has both malloc and free; and mmap, munmap, mremap of the C library. -ENOENT
 * for none.
 */
int heap_places_find(struct reader *reader, pid_t pid, const char *alloc_function,
		     const char *free_function, struct heap_places *ret);
void heap_places_clear(struct heap_places *places);
