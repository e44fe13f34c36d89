/* SPDX-License-Identifier: GPL-2.0-only */
/* One reader for all that an agent asks about processes, started when there is something to ask. */
#pragma once

#include <stdbool.h>

#include "agent/sites/reader.h"

struct late_reader {
	struct reader *reader; /* NULL until it was asked for */
	bool refused;	       /* it cannot be had */
};

/* The reader, owned by l, or NULL; why there is none is said once. */
struct reader *late_reader_get(struct late_reader *l);
void late_reader_stop(struct late_reader *l);
