/* SPDX-License-Identifier: GPL-2.0-only */
/* The order of rows, and which of them matter. */
#pragma once

#include "agent/top/rows.h"

/* Kinds that are worth a row of their own even when they stand still. */
bool slot_tells(enum seep_slot slot);

/* Set the weights of a whole list, once all its rows are there; leaves them in no order. */
void rank_weigh(struct rows *list);
/* Keep what matters, and so many others that a quiet host has something to show. */
void rank_cut(struct rows *list);
void rank_sort(struct rows *list, enum rows_sort sort);
