/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of very many objects are read: whole spans of the heap, since the objects of a span are
 * read together, and the same spans at each scan, since counts of one scan are compared with those
 * of the next. Spans are picked by their address alone, so that each is as likely as the others.
 */
#pragma once

#include "agent/runtime/go/memory.h"

struct go_panel {
	uint64_t all, read; /* objects */
	uint64_t one_in;    /* spans: a power of two */
};

/* Keep at most about so many of the items, all of them where most is 0. *n: how many, then how many
 * are left. */
struct go_panel go_panel_pick(struct go_item *items, size_t *n, size_t most);

/* What a count of those that were read tells of all. */
uint64_t go_panel_scale(const struct go_panel *p, uint64_t count);

/*
 * One standard error of the scaled count of any kind of object, at most, as when spans held either
 * none but that kind or none of it (Cochran, Sampling Techniques, 9A: clusters of unequal size).
 * items: those picked, sorted by address.
 */
uint64_t go_panel_error(const struct go_panel *p, const struct go_item *items, size_t n);
