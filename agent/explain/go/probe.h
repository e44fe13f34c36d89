/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A probe on one kind of births in a Go program: where the reader child says that they are seen.
 * What is rare has a probe with windows of its own, which are long.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "agent/explain/windows.h"
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

/* Windows of one probe. */
struct goprobe_windows {
	struct survivor *probe; /* not owned, as the host */
	const struct uprobe_host *host;
	enum go_births births;
	struct windows plan;
	uint64_t taken; /* windows whose births were handed over */
	double watched; /* seconds that windows were open */
};

/* Begin to plan: duration of the watch, seconds; share of one CPU that they may cost. The probe,
 * its host and kind are set; the windows stay where they are from now on. */
void goprobe_windows_start(struct goprobe_windows *w, double duration, double share);

/* Begin or end one where it is time to. 1 when one ended, whose births were given to take as by
 * survivor_take(), or as many as there was room for; else 0 or -errno. */
typedef int (*goprobe_take)(void *context, uint64_t address, const struct survivor_birth *birth);
int goprobe_windows_poll(struct goprobe_windows *w, goprobe_take take, void *context);
/* End the last. Returns the same. */
int goprobe_windows_end(struct goprobe_windows *w, goprobe_take take, void *context);
