/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the events of one process to sites and the lives of objects, and at the end against the
 * truth. Owns the sites; the reader is the caller's.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "agent/model/loss.h"
#include "agent/sites/sites.h"
#include "bpf/acquire.h"
#include "bpf/lib/stack.h"

struct account;
struct reader;

int account_new(pid_t pid, struct reader *reader, struct account **ret);
void account_free(struct account *a);

/* For acquire_config; context is the account. */
void account_event(void *context, const struct acquire_event *event,
		   const struct stack_copy *stack);

/*
 * Enter what the process held before the watch, and tell follow the key of each; call it after the
 * watch is attached.
 */
int account_seed(struct account *a, const bool classes[ACQUIRE_CLASS_MAX],
		 void (*follow)(void *context, uint64_t key), void *context);

/*
 * The end is in two steps, so that nothing falls between: look at what the process holds while it
 * is still watched; then, when the last event was handled, end what was not there and enter what
 * nobody saw coming. A process that is gone keeps what its events said.
 */
void account_look(struct account *a, const bool classes[ACQUIRE_CLASS_MAX]);
void account_settle(struct account *a);

/* Name the frames of each site that has none yet: while the program still runs, or right after. */
void account_name_sites(struct account *a);

struct sites *account_sites(struct account *a);
/* What could not be unwound or kept; adds. */
void account_losses(const struct account *a, uint64_t ret[LOSS_REASON_MAX]);
