// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "exporters/samples.h"

#define KIND_ALL     "all"
#define KIND_UNKNOWN "unknown"

enum metric_id sample_of_unit(enum metric_id counts, enum seep_unit unit)
{
	return unit == UNIT_BYTES ? counts + 1 : counts;
}

bool sample_is_exported(const struct model_cell *c)
{
	return c->live != LIVE_UNKNOWN && (c->live > 0 || c->series);
}

const char *sample_kind(enum seep_slot s)
{
	const char *kind = slot_info(s)->kind;

	return kind ? kind : KIND_ALL;
}

bool sample_is_news(const struct trend *t)
{
	return t->verdict != VERDICT_UNKNOWN && t->verdict != VERDICT_STEADY;
}

static void add_live(struct exposition *e, enum metric_id id, const struct sample_owner *o,
		     const char *resource, const char *kind, int64_t live)
{
	const char *labels[METRIC_LABELS];

	memcpy(labels, o->labels, o->n * sizeof(labels[0]));
	labels[o->n] = resource;
	labels[o->n + 1] = kind;
	exposition_sample(e, id, (double)live, labels);
}

void sample_resource(struct exposition *e, enum metric_id id, const struct sample_owner *o,
		     const struct model_cell *cells, enum seep_slot total)
{
	const char *resource = slot_info(total)->resource;
	int64_t rest = cells[total].live;
	enum seep_slot s = total + 1;

	for (; s < SLOT_MAX && slot_info(s)->total == total; s++) {
		if (!sample_is_exported(&cells[s]))
			continue;
		add_live(e, id, o, resource, slot_info(s)->kind, cells[s].live);
		rest -= cells[s].live;
	}
	if (s == total + 1) {
		if (sample_is_exported(&cells[total]))
			add_live(e, id, o, resource, KIND_ALL, rest);
	} else if (rest > 0) {
		add_live(e, id, o, resource, KIND_UNKNOWN, rest);
	}
}

double sample_edge(const struct forecast *f, enum metric_id id)
{
	if (id == METRIC_GROUP_ETA_LOW || id == METRIC_ETA_LOW)
		return f->low;
	return id == METRIC_GROUP_ETA_HIGH || id == METRIC_ETA_HIGH ? f->high : f->eta;
}
