// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdio.h>

#include "agent/model/holder.h"

const struct model_cell *holder_cell(const struct holder *h, enum seep_slot slot)
{
	if (h->process)
		return &h->process->cells[slot];
	return h->group ? &h->group->cells[slot] : &h->netns->cells[slot];
}

const struct bound *holder_bound(const struct holder *h, enum seep_slot slot)
{
	static const struct bound none;
	enum seep_slot total = slot_bounded_by(slot);

	if (h->process)
		return &h->process->bounds[total];
	if (h->group)
		return &h->group->bounds[total];
	return slot == SLOT_TCP_TIME_WAIT ? &h->netns->ports : &none;
}

struct forecast holder_forecast(const struct holder *h, enum seep_slot slot)
{
	const struct bound *b = holder_bound(h, slot);
	const struct model_cell *c = holder_cell(h, slot);
	struct forecast f = FORECAST_NONE;

	if (b->source == BOUND_NONE)
		return f;
	if (h->group && bound_is_own(b->source))
		return h->group->soonest[slot];
	f.eta = trend_eta(&c->trend, (double)b->used, (double)b->limit);
	trend_eta_range(&c->trend, &c->evidence, (double)b->used, (double)b->limit, &f.low,
			&f.high);
	return f;
}

bool holder_fills_bound(const struct holder *h, enum seep_slot slot)
{
	const struct bound *b = holder_bound(h, slot);

	return bound_ratio(b) >= BOUND_NEAR &&
	       (bound_is_own(b->source) ||
		(double)holder_cell(h, slot)->live >= (double)b->used / 2);
}

/* How much a slot says beyond its resource's total. */
static int telling(enum seep_slot slot)
{
	enum seep_slot total = slot_info(slot)->total;

	if (slot == slot_bounded_by(slot))
		return 0;
	return total == SLOT_TCP		? 2 + !slot_is_total(slot)
	       : total == slot_bounded_by(slot) ? 1
						: 2;
}

/* Of the slots under a total: the worst verdict, and the largest gain that has it. */
static enum verdict worst_of(const struct holder *h, enum seep_slot total, double *ret_gain)
{
	enum verdict worst = VERDICT_UNKNOWN;

	*ret_gain = 0;
	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		const struct trend *t = &holder_cell(h, s)->trend;

		if (slot_bounded_by(s) != total || t->verdict < worst || !(t->rate_per_hour > 0))
			continue;
		*ret_gain =
			t->verdict > worst ? t->rate_per_hour : fmax(*ret_gain, t->rate_per_hour);
		worst = t->verdict;
	}
	return worst;
}

enum seep_slot holder_telling_slot(const struct holder *h, enum seep_slot total)
{
	enum seep_slot best = SLOT_MAX;
	double most, best_gain = 0;
	enum verdict worst = worst_of(h, total, &most);

	for (enum seep_slot s = 0; s < SLOT_MAX && worst >= VERDICT_WARMING; s++) {
		const struct trend *t = &holder_cell(h, s)->trend;

		if (slot_bounded_by(s) != total || t->verdict != worst ||
		    !(t->rate_per_hour >= most / 2))
			continue;
		if (best != SLOT_MAX &&
		    (telling(s) < telling(best) ||
		     (telling(s) == telling(best) && t->rate_per_hour <= best_gain)))
			continue;
		best = s;
		best_gain = t->rate_per_hour;
	}
	return best == SLOT_MAX ? total : best;
}

void holder_name(const struct holder *h, char *dst, size_t size)
{
	if (h->netns)
		snprintf(dst, size, "netns:%u", h->netns->inode);
	else if (h->group)
		snprintf(dst, size, "%s", h->group->name);
	else
		snprintf(dst, size, "%s",
			 h->process->group ? h->process->group->name : h->process->comm);
}

void holder_full_name(const struct holder *h, char *dst, size_t size)
{
	char name[512];

	holder_name(h, name, sizeof(name));
	if (h->process)
		snprintf(dst, size, "%s (%s, pid %d)", name, h->process->comm, h->process->pid);
	else if (h->group)
		snprintf(dst, size, "%s (%u process%s)", name, h->group->processes,
			 h->group->processes == 1 ? "" : "es");
	else
		snprintf(dst, size, "%s", name);
}
