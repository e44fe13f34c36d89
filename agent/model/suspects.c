// SPDX-License-Identifier: GPL-2.0-only
/* Who is to be looked at first. */
#include <math.h>
#include <string.h>

#include "agent/model/holder.h"
#include "agent/model/model.h"

static const struct trend *trend_of(const struct suspect *s)
{
	return &s->process->cells[s->slot].trend;
}

/* Share of its own size that it grows by in an hour: what ranks those without a bound. */
static double relative_growth(const struct suspect *s)
{
	int64_t live = s->process->cells[s->slot].live;

	return trend_of(s)->rate_per_hour / (live > 0 ? (double)live : 1);
}

static int compare_suspects(const struct suspect *x, const struct suspect *y)
{
	bool full = x->share >= BOUND_FULL;

	if (full != (y->share >= BOUND_FULL))
		return full ? -1 : 1;
	if (trend_of(x)->verdict != trend_of(y)->verdict)
		return trend_of(x)->verdict > trend_of(y)->verdict ? -1 : 1;
	if (isnan(x->forecast.eta) != isnan(y->forecast.eta))
		return isnan(x->forecast.eta) ? 1 : -1;
	if (!isnan(x->forecast.eta) && x->forecast.eta != y->forecast.eta)
		return x->forecast.eta < y->forecast.eta ? -1 : 1;
	return (relative_growth(x) < relative_growth(y)) -
	       (relative_growth(x) > relative_growth(y));
}

struct list {
	struct suspect *rows;
	size_t n, max, left;
};

static void add(struct list *list, const struct suspect *s)
{
	size_t at = list->n;

	while (at > 0 && compare_suspects(s, &list->rows[at - 1]) < 0)
		at--;
	if (list->n < list->max)
		list->n++;
	else
		list->left++;
	if (at >= list->max)
		return;
	memmove(&list->rows[at + 1], &list->rows[at], (list->n - at - 1) * sizeof(*list->rows));
	list->rows[at] = *s;
}

/* Most processes do nothing of interest, and are many. */
static bool is_quiet(const struct model_process *p)
{
	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		if (p->cells[s].trend.verdict >= VERDICT_GROWING ||
		    bound_ratio(&p->bounds[s]) >= BOUND_NEAR)
			return false;
	return true;
}

static void consider(struct list *list, const struct model_process *p, enum seep_slot total)
{
	const struct holder h = { .process = p };
	enum seep_slot slot = holder_telling_slot(&h, total);
	struct suspect s = { p, slot, holder_forecast(&h, slot), 0 };

	if (holder_fills_bound(&h, slot))
		s.share = bound_ratio(holder_bound(&h, slot));
	if (s.share > 0 || trend_of(&s)->verdict >= VERDICT_GROWING)
		add(list, &s);
}

size_t model_suspects(const struct model *m, struct suspect *ret, size_t max, size_t *ret_left)
{
	struct list list = { .rows = ret, .max = max };

	model_for_each_process (m, p) {
		if (is_quiet(p))
			continue;
		for (enum seep_slot s = 0; s < SLOT_MAX; s++)
			if (slot_bounded_by(s) == s)
				consider(&list, p, s);
	}
	*ret_left = list.left;
	return list.n;
}
