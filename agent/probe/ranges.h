/* SPDX-License-Identifier: GPL-2.0-only */
/* Books of mapped ranges, any part of which can be given back. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct range {
	uint64_t start, end;
	uint64_t key;  /* site */
	uint64_t born; /* ns, CLOCK_MONOTONIC */
	uint32_t window;
};

struct ranges {
	struct range *rows; /* by start, none overlap */
	size_t n, capacity;
};

/* Told of each part that goes: its range as it was, and how many bytes of it; `last` when nothing
 * of that range is left. */
typedef void (*range_gone)(void *context, const struct range *was, uint64_t bytes, int last);

/* What the new range covers is gone first. 0 or -ENOMEM. */
int ranges_add(struct ranges *r, const struct range *range, range_gone gone, void *context);

/* Give back [start, end), whoever owns its parts. 0, or -ENOMEM when a hole could not be cut. */
int ranges_remove(struct ranges *r, uint64_t start, uint64_t end, range_gone gone, void *context);

void ranges_clear(struct ranges *r);
