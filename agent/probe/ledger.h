/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger: how much each process creates, which a census cannot know. It never gives a live
 * count: a lost event costs a creation in the books and nothing else.
 */
#pragma once

#include "agent/model/model.h"

struct ledger;

/* Attaches what the host allows; nothing at all is no error. Records the rungs. */
int ledger_new(struct model *m, struct ledger **ret);
void ledger_free(struct ledger *l);

/* Put the counts into the cells of the processes of this census, and forget those that ended. */
void ledger_read(struct ledger *l, struct model *m);
