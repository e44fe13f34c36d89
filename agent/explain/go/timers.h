/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether the timers that a site made, and that stay, are a mistake. */
#pragma once

#include <stdbool.h>

#include "agent/model/finding.h"
#include "agent/runtime/go/objects.h"

/* Whether timers of this kind of a finding send on a channel: goroutines wait for those, and are
 * told themselves where they stay. */
bool gotimer_sends(const char *kind);

/*
 * Give a finding its kind and, where it keeps, its pattern, from its stack, its numbers, and what
 * all heaps of timers held when the watch began and now. One that keeps is undecided where lives
 * are longer than the watch, and as many timers go as come. 0, or -ENOENT for a timer of no such
 * kind: of time.Sleep, of a connection's deadline, one that was reset.
 */
int gotimer_mark(struct finding *f, const struct go_fates *first, const struct go_fates *last);
