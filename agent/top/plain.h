/* SPDX-License-Identifier: GPL-2.0-only */
/* One look as plain text: for pipes, logs and tickets. */
#pragma once

#include <stdio.h>

#include "agent/top/rows.h"
#include "agent/top/watch.h"

/* The sentence, a table, and what was not seen; of one process (options' pid) all that is known.
 * 0, -ENOMEM, or the stream's error. */
int plain_write(const struct watch *w, const struct rows_options *o, FILE *to);
