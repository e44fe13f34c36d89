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

double holder_eta(const struct holder *h, enum seep_slot slot)
{
	const struct bound *b = holder_bound(h, slot);

	if (b->source == BOUND_NONE)
		return NAN;
	return trend_eta(&holder_cell(h, slot)->trend, (double)b->used, (double)b->limit);
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

static double gain(const struct holder *h, enum seep_slot slot)
{
	const struct trend *t = &holder_cell(h, slot)->trend;

	return t->verdict >= VERDICT_WARMING && t->rate_per_hour > 0 ? t->rate_per_hour : 0;
}

enum seep_slot holder_telling_slot(const struct holder *h, enum seep_slot total)
{
	double whole = gain(h, total);
	enum seep_slot best = total;

	for (enum seep_slot s = 0; s < SLOT_MAX && whole > 0; s++) {
		if (slot_bounded_by(s) != total || gain(h, s) < whole / 2)
			continue;
		if (holder_cell(h, s)->trend.verdict < holder_cell(h, total)->trend.verdict)
			continue;
		if (telling(s) > telling(best) ||
		    (telling(s) == telling(best) && gain(h, s) > gain(h, best)))
			best = s;
	}
	return best;
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
