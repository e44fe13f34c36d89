/* SPDX-License-Identifier: GPL-2.0-only */
/* Timers of a Go program where they wait: in a heap of each processor (runtime/time.go). */
#pragma once

#include "agent/runtime/go/process.h"

/*
 * Addresses of the timers in all heaps, stopped ones among them, as items without a tag; they are
 * as they are found, and the caller frees *ret, NULL when there are none. 0, -ENODATA when the
 * variable that leads there is not known, -ENOTSUP when the layout of heaps is not, -E2BIG, -EPROTO
 * when a list contradicts itself, -ENOMEM, or as go_memory_read.
 */
int go_timers_list(struct go_process *p, struct go_item **ret, size_t *ret_n);

/* A stopped timer stays in its heap until that is cleaned. bytes: layout.timer_bytes of it. */
bool go_timer_is_stopped(const struct go_layout *l, const uint8_t *bytes);
