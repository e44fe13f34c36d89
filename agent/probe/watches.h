/* SPDX-License-Identifier: GPL-2.0-only */
/* inotify watches: the kernel lists them in the descriptor's fdinfo (proc(5)), a line each. */
#pragma once

#include <stdint.h>

#include "agent/model/model.h"

/* Add the watches of one inotify descriptor of a thread to its process. */
void watches_count(struct model_process *p, uint32_t thread, uint32_t fd);
