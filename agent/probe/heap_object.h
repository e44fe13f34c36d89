/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the heap probe share; agent/probe/heap.h is for everybody else. */
#pragma once

#include <linux/types.h>

#include "agent/probe/heap.h"
#include "agent/probe/heap_functions.h"
#include "agent/probe/heap_known.h"
#include "agent/probe/heap_mappings.h"
#include "agent/probe/heap_returns.h"
#include "bpf/heap.skel.h"

struct heap {
	struct heap_bpf *object;
	struct uprobe_set *probes;
	struct ring_buffer *ring;
	struct heap_places places;
	struct heap_returns *returns; /* NULL: return probes are used */
	struct uprobe_host host;
	struct heap_known known;
	struct heap_mappings mappings;
	uint32_t window;       /* of the last attach, from 1 */
	uint64_t began, ended; /* ns of CLOCK_MONOTONIC: first attach, last detach */
	uint64_t no_memory;    /* events that could not be kept */
};

/* One event of the ring, for ring_buffer__new. */
int heap_event(void *heap, void *data, size_t size);
