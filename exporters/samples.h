/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the Prometheus format share: which cells have rows, and how these are made. */
#pragma once

#include "agent/model/holder.h"
#include "exporters/exposition.h"

/* A sample of metric METRIC_id with its label values. */
#define SAMPLE(e, id, value, ...)                                                                  \
	exposition_sample((e), METRIC_##id, (double)(value), LABELS(__VA_ARGS__))
#define LABELS(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

/* Metrics that differ in nothing but the unit stand side by side in the table: the one for counts,
 * or its neighbour for bytes. */
enum metric_id sample_of_unit(enum metric_id counts, enum seep_unit unit);

/* Zero that was never more is not worth a row. */
bool sample_is_exported(const struct model_cell *c);
/* The label of a slot's kind; that of a resource without kinds is "all". */
const char *sample_kind(enum seep_slot s);
/* Whether a verdict has a row: what is steady or not known has none. */
bool sample_is_news(const struct trend *t);
/* That edge of a forecast which the metric tells. */
double sample_edge(const struct forecast *f, enum metric_id id);

/* The labels before resource and kind: whose cells they are. */
struct sample_owner {
	const char *labels[METRIC_LABELS - 2];
	size_t n;
};

/* One resource by its kinds, and as "unknown" what the kinds leave of the total. */
void sample_resource(struct exposition *e, enum metric_id id, const struct sample_owner *o,
		     const struct model_cell *cells, enum seep_slot total);
