// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "agent/explain/bounds.h"
#include "agent/model/model.h"
#include "agent/probe/census.h"

#define ANY_WINDOW   60 /* seconds; no trend is asked of one census */
#define ANY_INTERVAL 3

static void read_census(pid_t pid, struct model *m, struct explain_bounds *ret)
{
	const struct model_process *p;
	struct census_options options = { .only_pid = pid };
	struct census *c = NULL;

	if (census_new(&options, m, &c) < 0)
		return;
	if (census_run(c, m) == 0) {
		p = model_find(m, pid);
		if (p)
			memcpy(ret->bounds, p->bounds, sizeof(ret->bounds));
	}
	census_free(c);
}

void explain_bounds_read(pid_t pid, struct explain_bounds *ret)
{
	struct model *m = NULL;

	*ret = (struct explain_bounds){ 0 };
	if (model_new(ANY_WINDOW, ANY_INTERVAL, &m) < 0)
		return;
	read_census(pid, m, ret);
	model_free(m);
}

void explain_bounds_set(const struct explain_bounds *bounds, struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		struct finding *f = &findings->rows[i];
		enum seep_slot total = slot_find(f->resource, NULL);
		const struct bound *b = total == SLOT_MAX ? NULL : &bounds->bounds[total];

		if (!b || b->source == BOUND_NONE)
			continue;
		f->bound = b->limit;
		f->bound_source = bound_source_name(b->source);
	}
}
