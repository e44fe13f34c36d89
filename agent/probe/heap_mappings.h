/* SPDX-License-Identifier: GPL-2.0-only */
/* The mapped ranges of a process and the sums of their sites, from events in their order. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/probe/ranges.h"
#include "bpf/heap.h"

struct mapping_sums {
	uint64_t key;
	struct heap_sums sums;
};

struct heap_mappings {
	struct ranges live;
	struct mapping_sums *sites; /* few, in order of their first sight */
	size_t n;
};

/* 0 or -ENOMEM. */
int heap_mappings_event(struct heap_mappings *m, const struct heap_mapping_event *e,
			uint32_t window);
void heap_mappings_clear(struct heap_mappings *m);
