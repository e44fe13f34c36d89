/* SPDX-License-Identifier: GPL-2.0-only */
/* A probe on one kind of births in a Go program: where the reader child says that they are seen. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "agent/probe/survivor.h"
#include "agent/runtime/go/objects.h"

/*
 * Make one, attached nowhere yet; *host is what it takes here, the same for all. count_min: of an
 * object that counts (bpf/survivor.h). -ENOENT and -ENODATA as go_points_ask, else 0 or -errno; the
 * caller frees *ret by survivor_free.
 */
int goprobe_new(struct reader *reader, pid_t pid, enum go_births births, uint64_t count_min,
		struct uprobe_host *host, struct survivor **ret);

/* CPU seconds of its traps and programs so far, and its counts; 0 for NULL. */
double goprobe_cost(struct survivor *probe, const struct uprobe_host *host, enum go_births births,
		    struct survivor_counts *ret);
