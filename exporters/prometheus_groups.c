// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>

#include "agent/base/cleanup.h"
#include "exporters/prometheus_parts.h"
#include "exporters/samples.h"

static void add_resources(struct exposition *e, enum metric_id id, enum seep_unit unit,
			  const struct sample_owner *o, const struct model_cell *cells)
{
	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		if (slot_is_total(s) && slot_info(s)->unit == unit)
			sample_resource(e, id, o, cells, s);
}

typedef void (*group_writer)(struct exposition *e, const struct model_group *g,
			     enum seep_unit unit);

static void for_groups(struct exposition *e, const struct selection *chosen, group_writer write,
		       enum seep_unit unit)
{
	for (size_t i = 0; i < chosen->n_groups; i++)
		write(e, chosen->groups[i], unit);
	if (chosen->other)
		write(e, chosen->other, unit);
}

static void write_processes(struct exposition *e, const struct model_group *g, enum seep_unit unit)
{
	SAMPLE(e, GROUP_PROCESSES, g->processes, g->name);
}

static void write_live(struct exposition *e, const struct model_group *g, enum seep_unit unit)
{
	struct sample_owner o = { { g->name }, 1 };

	add_resources(e, sample_of_unit(METRIC_GROUP_LIVE, unit), unit, &o, g->cells);
}

static void write_rate(struct exposition *e, const struct model_group *g, enum seep_unit unit)
{
	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		if (slot_info(s)->unit == unit && sample_is_exported(&g->cells[s]))
			exposition_sample(e, sample_of_unit(METRIC_GROUP_RATE, unit),
					  g->cells[s].trend.rate_per_hour,
					  LABELS(g->name, slot_info(s)->resource, sample_kind(s)));
}

static void add_bounds(struct exposition *e, const struct model_group *g, enum seep_unit unit,
		       enum metric_id counts, bool used)
{
	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		const struct bound *b = &g->bounds[s];

		if (!slot_is_total(s) || slot_info(s)->unit != unit || b->source == BOUND_NONE ||
		    !sample_is_exported(&g->cells[s]))
			continue;
		exposition_sample(e, sample_of_unit(counts, unit),
				  (double)(used ? b->used : b->limit),
				  LABELS(g->name, slot_info(s)->resource,
					 bound_source_name(b->source)));
	}
}

static void write_bound(struct exposition *e, const struct model_group *g, enum seep_unit unit)
{
	add_bounds(e, g, unit, METRIC_GROUP_BOUND, false);
}

static void write_used(struct exposition *e, const struct model_group *g, enum seep_unit unit)
{
	add_bounds(e, g, unit, METRIC_GROUP_BOUND_USED, true);
}

static void add_eta(struct exposition *e, const struct model_group *g, enum metric_id id)
{
	const struct holder h = { .group = g };

	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		struct forecast f;

		if (!slot_is_total(s) || !sample_is_news(&g->cells[s].trend))
			continue;
		f = holder_forecast(&h, s);
		exposition_sample(e, id, sample_edge(&f, id),
				  LABELS(g->name, slot_info(s)->resource));
	}
}

static void write_eta(struct exposition *e, const struct model_group *g, enum seep_unit unit)
{
	add_eta(e, g, METRIC_GROUP_ETA);
}

static void write_eta_low(struct exposition *e, const struct model_group *g, enum seep_unit unit)
{
	add_eta(e, g, METRIC_GROUP_ETA_LOW);
}

static void write_eta_high(struct exposition *e, const struct model_group *g, enum seep_unit unit)
{
	add_eta(e, g, METRIC_GROUP_ETA_HIGH);
}

static void write_verdict(struct exposition *e, const struct model_group *g, enum seep_unit unit)
{
	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		if (sample_is_news(&g->cells[s].trend))
			SAMPLE(e, GROUP_VERDICT, 1, g->name, slot_info(s)->resource, sample_kind(s),
			       verdict_name(g->cells[s].trend.verdict));
}

static void write_transaction(struct exposition *e, const struct model_group *g,
			      enum seep_unit unit)
{
	const struct model_cell *c = &g->cells[SLOT_TRANSACTION];

	if (c->live > 0 && !isnan(c->oldest))
		SAMPLE(e, GROUP_TRANSACTION_OLDEST, c->oldest, g->name);
}

static void write_since(struct exposition *e, const struct model_group *g, enum seep_unit unit)
{
	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		if (sample_is_news(&g->cells[s].trend))
			SAMPLE(e, GROUP_SINCE, g->cells[s].trend.since, g->name,
			       slot_info(s)->resource, sample_kind(s));
}

static void write_all(struct exposition *e, const struct selection *chosen)
{
	/* In the order of the table, each a family for counts and one for bytes. */
	static const group_writer by_unit[] = { write_live, write_rate, write_bound, write_used };
	static const group_writer others[] = { write_eta,     write_eta_low, write_eta_high,
					       write_verdict, write_since,   write_transaction };

	for_groups(e, chosen, write_processes, UNIT_COUNT);
	for (size_t i = 0; i < ARRAY_SIZE(by_unit); i++) {
		for_groups(e, chosen, by_unit[i], UNIT_COUNT);
		for_groups(e, chosen, by_unit[i], UNIT_BYTES);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		for_groups(e, chosen, others[i], UNIT_COUNT);
}

/* A counter that never counted has no row. */
static double positive(double count)
{
	return count > 0 ? count : NAN;
}

/* NAN: no row. Counts stay at zero while no program runs, so that a restart is no gap. */
static double go_value(const struct model_group *g, enum metric_id id)
{
	const struct gogroup *go = &g->go;

	switch (id) {
	case METRIC_GO_GOROUTINES:
		return go->any ? (double)g->cells[SLOT_GOROUTINE].live : NAN;
	case METRIC_GO_GOROUTINES_ERROR:
		return go->any ? sqrt(go->goroutine_variance) : NAN;
	case METRIC_GO_TIMERS:
		return go->any ? (double)g->cells[SLOT_GOTIMER].live : NAN;
	case METRIC_GO_CHANNEL_TIMERS:
		return go->any ? (double)go->timers : NAN;
	case METRIC_GO_HEAP_LIVE:
		return go->any ? (double)go->heap_live : NAN;
	case METRIC_GO_MEMORY_LIMIT:
		return go->programs && !go->unlimited ? (double)go->memory_limit : NAN;
	case METRIC_GO_GC_CYCLES:
		return positive((double)go->total.cycles);
	case METRIC_GO_GC_SECONDS:
		return positive(go->total.gc_seconds);
	case METRIC_GO_CPU_SECONDS:
		return positive(go->total.cpu_seconds);
	case METRIC_GO_ALLOCATED:
		return positive((double)go->total.allocated);
	case METRIC_GO_POOL_EXCESS:
		return go->pools ? (double)go->pool_excess : NAN;
	default:
		return go->programs ? go->gc_share : NAN;
	}
}

static void write_go(struct exposition *e, const struct selection *chosen)
{
	for (enum metric_id id = METRIC_GO_GOROUTINES; id <= METRIC_GO_POOL_EXCESS; id++) {
		for (size_t i = 0; i < chosen->n_groups; i++)
			exposition_sample(e, id, go_value(chosen->groups[i], id),
					  LABELS(chosen->groups[i]->name));
		if (chosen->other)
			exposition_sample(e, id, go_value(chosen->other, id),
					  LABELS(chosen->other->name));
	}
}

void prometheus_groups(struct exposition *e, const struct selection *chosen)
{
	write_all(e, chosen);
	write_go(e, chosen);
}
