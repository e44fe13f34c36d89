// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/holder.h"
#include "exporters/exposition.h"
#include "exporters/selection.h"
#include "exporters/self.h"

#define KIND_ALL     "all"
#define KIND_UNKNOWN "unknown"

/* A sample of metric METRIC_id with its label values. */
#define SAMPLE(e, id, value, ...)                                                                  \
	exposition_sample((e), METRIC_##id, (double)(value), LABELS(__VA_ARGS__))
#define LABELS(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

/* Metrics that differ in nothing but the unit stand side by side in the table. */
static enum metric_id of_unit(enum metric_id counts, enum seep_unit unit)
{
	return unit == UNIT_BYTES ? counts + 1 : counts;
}

/* Zero that was never more is not worth a row. */
static bool is_exported(const struct model_cell *c)
{
	return c->live != LIVE_UNKNOWN && (c->live > 0 || c->series);
}

static const char *kind_name(enum seep_slot s)
{
	const char *kind = slot_info(s)->kind;

	return kind ? kind : KIND_ALL;
}

static bool is_news(const struct trend *t)
{
	return t->verdict != VERDICT_UNKNOWN && t->verdict != VERDICT_STEADY;
}

/* The labels before resource and kind: whose cells they are. */
struct owner {
	const char *labels[METRIC_LABELS - 2];
	size_t n;
};

static void add_live(struct exposition *e, enum metric_id id, const struct owner *o,
		     const char *resource, const char *kind, int64_t live)
{
	const char *labels[METRIC_LABELS];

	memcpy(labels, o->labels, o->n * sizeof(labels[0]));
	labels[o->n] = resource;
	labels[o->n + 1] = kind;
	exposition_sample(e, id, (double)live, labels);
}

/* One resource by its kinds, and as "unknown" what the kinds leave of the total. */
static void add_resource(struct exposition *e, enum metric_id id, const struct owner *o,
			 const struct model_cell *cells, enum seep_slot total)
{
	const char *resource = slot_info(total)->resource;
	int64_t rest = cells[total].live;
	enum seep_slot s = total + 1;

	for (; s < SLOT_MAX && slot_info(s)->total == total; s++) {
		if (!is_exported(&cells[s]))
			continue;
		add_live(e, id, o, resource, slot_info(s)->kind, cells[s].live);
		rest -= cells[s].live;
	}
	if (s == total + 1) {
		if (is_exported(&cells[total]))
			add_live(e, id, o, resource, KIND_ALL, rest);
	} else if (rest > 0) {
		add_live(e, id, o, resource, KIND_UNKNOWN, rest);
	}
}

static void add_resources(struct exposition *e, enum metric_id id, enum seep_unit unit,
			  const struct owner *o, const struct model_cell *cells)
{
	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		if (slot_is_total(s) && slot_info(s)->unit == unit)
			add_resource(e, id, o, cells, s);
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
	struct owner o = { { g->name }, 1 };

	add_resources(e, of_unit(METRIC_GROUP_LIVE, unit), unit, &o, g->cells);
}

static void write_rate(struct exposition *e, const struct model_group *g, enum seep_unit unit)
{
	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		if (slot_info(s)->unit == unit && is_exported(&g->cells[s]))
			exposition_sample(e, of_unit(METRIC_GROUP_RATE, unit),
					  g->cells[s].trend.rate_per_hour,
					  LABELS(g->name, slot_info(s)->resource, kind_name(s)));
}

static void add_bounds(struct exposition *e, const struct model_group *g, enum seep_unit unit,
		       enum metric_id counts, bool used)
{
	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		const struct bound *b = &g->bounds[s];

		if (!slot_is_total(s) || slot_info(s)->unit != unit || b->source == BOUND_NONE ||
		    !is_exported(&g->cells[s]))
			continue;
		exposition_sample(e, of_unit(counts, unit), (double)(used ? b->used : b->limit),
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

static double edge_of(const struct forecast *f, enum metric_id id)
{
	if (id == METRIC_GROUP_ETA_LOW || id == METRIC_ETA_LOW)
		return f->low;
	return id == METRIC_GROUP_ETA_HIGH || id == METRIC_ETA_HIGH ? f->high : f->eta;
}

static void add_eta(struct exposition *e, const struct model_group *g, enum metric_id id)
{
	const struct holder h = { .group = g };

	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		struct forecast f;

		if (!slot_is_total(s) || !is_news(&g->cells[s].trend))
			continue;
		f = holder_forecast(&h, s);
		exposition_sample(e, id, edge_of(&f, id), LABELS(g->name, slot_info(s)->resource));
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
		if (is_news(&g->cells[s].trend))
			SAMPLE(e, GROUP_VERDICT, 1, g->name, slot_info(s)->resource, kind_name(s),
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
		if (is_news(&g->cells[s].trend))
			SAMPLE(e, GROUP_SINCE, g->cells[s].trend.since, g->name,
			       slot_info(s)->resource, kind_name(s));
}

static void write_groups(struct exposition *e, const struct selection *chosen)
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

/* A suspect process shows each resource that is suspected, once, with all its kinds. */
static void write_suspects_live(struct exposition *e, const struct selection *chosen,
				enum seep_unit unit)
{
	const struct model_process *before = NULL;
	enum seep_slot total_before = SLOT_MAX;

	for (size_t i = 0; i < chosen->n_suspects; i++) {
		const struct model_process *p = chosen->suspects[i].process;
		enum seep_slot total = slot_info(chosen->suspects[i].slot)->total;
		char pid[16], start[32];
		struct owner o = { { pid, start, p->group ? p->group->name : "" }, 3 };

		if (p == before && total == total_before)
			continue;
		before = p;
		total_before = total;
		if (slot_info(total)->unit != unit)
			continue;
		snprintf(pid, sizeof(pid), "%d", p->pid);
		snprintf(start, sizeof(start), "%.3f", p->start_time);
		add_resource(e, of_unit(METRIC_PROCESS_LIVE, unit), &o, p->cells, total);
	}
}

/* The value of one family for a suspect, and its last label where it has one of its own. NAN: no
 * row. */
static double suspect_value(const struct suspect *s, enum metric_id id, const char **ret_label)
{
	const struct holder h = { .process = s->process };
	const struct trend *t = &s->process->cells[s->slot].trend;

	switch (id) {
	case METRIC_PROCESS_RATE:
	case METRIC_PROCESS_RATE_BYTES:
		return id == of_unit(METRIC_PROCESS_RATE, slot_info(s->slot)->unit)
			       ? t->rate_per_hour
			       : NAN;
	case METRIC_VERDICT:
		*ret_label = verdict_name(t->verdict);
		return is_news(t) ? 1 : NAN;
	case METRIC_SINCE:
		return t->since;
	case METRIC_NEAR_BOUND:
		*ret_label = bound_source_name(holder_bound(&h, s->slot)->source);
		return s->share > 0 ? s->share : NAN;
	default:
		return edge_of(&s->forecast, id);
	}
}

static void write_suspect(struct exposition *e, const struct suspect *s, enum metric_id id)
{
	const struct model_process *p = s->process;
	const char *label = NULL;
	double value = suspect_value(s, id, &label);
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", p->pid);
	exposition_sample(e, id, value,
			  LABELS(p->group ? p->group->name : "", pid, slot_info(s->slot)->resource,
				 kind_name(s->slot), label));
}

static void write_suspects(struct exposition *e, const struct selection *chosen)
{
	write_suspects_live(e, chosen, UNIT_COUNT);
	write_suspects_live(e, chosen, UNIT_BYTES);
	for (enum metric_id id = METRIC_PROCESS_RATE; id <= METRIC_ETA_HIGH; id++)
		for (size_t i = 0; i < chosen->n_suspects; i++)
			write_suspect(e, &chosen->suspects[i], id);
}

/* The namespaces beyond the cap have no rows; their processes' groups have theirs. */
static void write_netns(struct exposition *e, const struct model *m, enum metric_id id)
{
	size_t left = m->group_cap;

	model_for_each_netns(m, n)
	{
		const char *source = bound_source_name(n->ports.source);
		bool bounded = n->ports.source != BOUND_NONE;
		char inode[16];
		struct owner o = { { inode }, 1 };

		if (left-- == 0)
			return;
		snprintf(inode, sizeof(inode), "%" PRIu32, n->inode);
		if (id == METRIC_NETNS_LIVE)
			add_resource(e, id, &o, n->cells, SLOT_TCP);
		else if (bounded)
			exposition_sample(e, id,
					  (double)(id == METRIC_NETNS_BOUND ? n->ports.limit
									    : n->ports.used),
					  LABELS(inode, "tcp", source));
	}
}

/* Zeros too: who counts on increase() needs the row before its first step. */
static void write_losses(struct exposition *e, const struct model *m)
{
	for (enum loss_topic t = 0; t < LOSS_TOPIC_MAX; t++)
		for (enum loss_reason r = 0; r < LOSS_REASON_MAX; r++)
			SAMPLE(e, LOST_EVENTS, m->lost[t][r], loss_topic_name(t),
			       loss_reason_name(r));
	for (enum drop_table t = 0; t < DROP_MAX; t++)
		SAMPLE(e, SERIES_DROPPED, m->dropped[t], drop_table_name(t));
}

static void write_agent(struct exposition *e, const struct model *m)
{
	struct self self;

	for (size_t i = 0; i < m->n_rungs; i++)
		SAMPLE(e, RUNG, 1, m->rungs[i].topic, m->rungs[i].rung);
	if (m->census) {
		SAMPLE(e, CENSUS_SECONDS, m->census_seconds);
		SAMPLE(e, LAST_CENSUS, m->now);
	}
	SAMPLE(e, BUILD, 1, SEEP_VERSION);
	self_read(&self);
	SAMPLE(e, CPU, self.cpu_seconds);
	SAMPLE(e, OPEN_FDS, self.open_fds);
	SAMPLE(e, MAX_FDS, self.max_fds);
	SAMPLE(e, RESIDENT, self.resident);
	SAMPLE(e, VIRTUAL, self.virtual);
	SAMPLE(e, THREADS, self.threads);
	SAMPLE(e, START_TIME, self.start_time);
}

int prometheus_write(const struct model *m, enum prometheus_format f, struct buffer *out)
{
	_cleanup_(selection_freep) struct selection *chosen = NULL;
	struct exposition e = { .out = out, .format = f, .family = METRIC_MAX };
	int r = selection_new(m, &chosen);

	if (r < 0)
		return r;
	write_groups(&e, chosen);
	write_go(&e, chosen);
	write_suspects(&e, chosen);
	for (enum metric_id id = METRIC_NETNS_LIVE; id <= METRIC_NETNS_BOUND_USED; id++)
		write_netns(&e, m, id);
	write_losses(&e, m);
	write_agent(&e, m);
	exposition_end(&e);
	return out->failed ? -ENOMEM : 0;
}

int prometheus_render(const struct model *m, enum prometheus_format f, char **ret, size_t *ret_len)
{
	struct buffer out = { 0 };
	int r = prometheus_write(m, f, &out);

	if (r == 0)
		r = buffer_take(&out, ret, ret_len);
	buffer_done(&out);
	return r;
}
