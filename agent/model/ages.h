/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When each object of a process was first seen. A census shows the objects of a table in the order
 * of their numbers, so ages are kept by merging this census with the one before: no hash, 16 bytes
 * an object.
 *
 * An age may be too high, never too low: kinds without an inode of their own (eventfd, timerfd,
 * epoll, …) are known by their struct file, which the kernel gives out again at once. One that is
 * closed, and another opened under the same number between two censuses, pass for one. What counts
 * as old of these kinds then lies nearer to all that is live, and is no worse a guide than that.
 */
#pragma once

#include <stdint.h>

struct ages;

/* NULL when out of memory. */
struct ages *ages_new(void);
void ages_free(struct ages *a);

/* A census of the process begins; the objects of the last one become the ones to compare with. */
void ages_begin(struct ages *a);
/* A table of the process follows, named by its identity. 0 or -ENOMEM. */
int ages_table(struct ages *a, uint64_t table);
/*
 * The object of this identity under this number, numbers ascending within a table. Returns its
 * first-seen time: now (seconds) when it was not there before. Out of memory costs the age only.
 */
double ages_seen(struct ages *a, uint32_t number, uint64_t identity, double now);
