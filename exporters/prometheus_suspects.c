// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdio.h>

#include "exporters/prometheus_parts.h"
#include "exporters/samples.h"

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
		struct sample_owner o = { { pid, start, p->group ? p->group->name : "" }, 3 };

		if (p == before && total == total_before)
			continue;
		before = p;
		total_before = total;
		if (slot_info(total)->unit != unit)
			continue;
		snprintf(pid, sizeof(pid), "%d", p->pid);
		snprintf(start, sizeof(start), "%.3f", p->start_time);
		sample_resource(e, sample_of_unit(METRIC_PROCESS_LIVE, unit), &o, p->cells, total);
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
		return id == sample_of_unit(METRIC_PROCESS_RATE, slot_info(s->slot)->unit)
			       ? t->rate_per_hour
			       : NAN;
	case METRIC_VERDICT:
		*ret_label = verdict_name(t->verdict);
		return sample_is_news(t) ? 1 : NAN;
	case METRIC_SINCE:
		return t->since;
	case METRIC_NEAR_BOUND:
		*ret_label = bound_source_name(holder_bound(&h, s->slot)->source);
		return s->share > 0 ? s->share : NAN;
	default:
		return sample_edge(&s->forecast, id);
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
				 sample_kind(s->slot), label));
}

void prometheus_suspects(struct exposition *e, const struct selection *chosen)
{
	write_suspects_live(e, chosen, UNIT_COUNT);
	write_suspects_live(e, chosen, UNIT_BYTES);
	for (enum metric_id id = METRIC_PROCESS_RATE; id <= METRIC_ETA_HIGH; id++)
		for (size_t i = 0; i < chosen->n_suspects; i++)
			write_suspect(e, &chosen->suspects[i], id);
}
