/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Timers that make each other: what time.AfterFunc calls arms the next one, so that each is short
 * and the chain never ends. A timer is told by its own life, so nothing of it stays; that there are
 * more and more says that chains begin and none ends, once it is known that they are chains.
 */
#pragma once

#include "agent/model/finding.h"

/* Whether a timer was seen to be made by a goroutine that runs this function, as the callback of
 * another is run. list: what windows on timers found. */
bool gochains_arm(const struct findings *list, const char *callback);
