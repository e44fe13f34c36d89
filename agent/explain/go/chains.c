// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "agent/explain/go/chains.h"
#include "agent/explain/go/spawns.h"

bool gochains_arm(const struct findings *list, const char *callback)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct finding *f = &list->rows[i];
		const char *runs = gospawns_first_function(f);

		if (strcmp(f->resource, "gotimer") == 0 && runs && strcmp(runs, callback) == 0)
			return true;
	}
	return false;
}
