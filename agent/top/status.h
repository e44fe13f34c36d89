/* SPDX-License-Identifier: GPL-2.0-only */
/* The lines around the table, the same in the live view and in pipes. Always terminated. */
#pragma once

#include "agent/top/rows.h"
#include "agent/top/watch.h"

#define STATUS_MAX 1024

/* The sentence for people: the worst suspect, or that nothing grows and what is nearest to a bound.
 */
void status_headline(const struct watch *w, const struct rows *list, char *dst, size_t size);

/* How long it has watched, by which window it judges, and how many rows are to be looked at. */
void status_watching(const struct watch *w, const struct rows *list, char *dst, size_t size);

/* What was lost, cannot be read, or is read on a lower rung; empty when all is well. */
void status_troubles(const struct watch *w, const struct rows *list, char *dst, size_t size);
