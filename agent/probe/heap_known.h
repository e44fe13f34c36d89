/* SPDX-License-Identifier: GPL-2.0-only */
/* Site keys and the stacks that they stand for, as the heap's programs told them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/heap.h"

struct reader;

#define KNOWN_SLOTS 65536 /* a power of two, four times the keys that the programs can hold */

struct known_site {
	uint64_t key;  /* 0: free */
	uint64_t *pcs; /* owned */
	size_t n;
};

struct heap_known {
	struct known_site *slots; /* owned, hashed by key */
	size_t n;
	struct reader *reader;
	pid_t pid;
	int rules_fd;	     /* the map of frame rules, of the object */
	uint64_t unanswered; /* rules that the reader did not give */
};

/* 0 or -ENOMEM; reader and map are the caller's. */
int heap_known_init(struct heap_known *k, struct reader *reader, pid_t pid, int rules_fd);
void heap_known_clear(struct heap_known *k);

/* NULL when not told. */
const struct known_site *heap_known_find(const struct heap_known *k, uint64_t key);

/* The first event on a key counts. 0 or -errno. */
int heap_known_site(struct heap_known *k, const struct heap_site_event *event);

/* Walk the stack copy; each address on it gets its rule, so that the kernel can walk there next. */
int heap_known_stack(struct heap_known *k, const struct heap_stack_event *event);
