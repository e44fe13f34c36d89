// SPDX-License-Identifier: GPL-2.0-only
/* Who is to be looked at first. */
#include <math.h>
#include <string.h>

#include "agent/model/model.h"

/* Share of its own size that it grows by in an hour: what ranks those without a bound. */
static double relative_growth(const struct suspect *s)
{
	const struct model_cell *c = &s->process->cells[s->slot];

	return c->trend.rate_per_hour / (c->live > 0 ? (double)c->live : 1);
}

static int compare_suspects(const void *a, const void *b)
{
	const struct suspect *x = a, *y = b;
	enum verdict vx = x->process->cells[x->slot].trend.verdict;
	enum verdict vy = y->process->cells[y->slot].trend.verdict;

	if (vx != vy)
		return vx > vy ? -1 : 1;
	if (isnan(x->eta) != isnan(y->eta))
		return isnan(x->eta) ? 1 : -1;
	if (!isnan(x->eta) && x->eta != y->eta)
		return x->eta < y->eta ? -1 : 1;
	return (relative_growth(x) < relative_growth(y)) -
	       (relative_growth(x) > relative_growth(y));
}

static void consider(const struct model_process *p, enum seep_slot slot, struct suspect *ret,
		     size_t max, size_t *n)
{
	const struct bound *b = &p->bounds[slot_bounded_by(slot)];
	const struct trend *t = &p->cells[slot].trend;
	struct suspect s = { p, slot, NAN };
	size_t at = *n;

	if (t->verdict < VERDICT_GROWING)
		return;
	if (b->source != BOUND_NONE)
		s.eta = trend_eta(t, (double)b->used, (double)b->limit);
	while (at > 0 && compare_suspects(&s, &ret[at - 1]) < 0)
		at--;
	if (at >= max)
		return;
	if (*n < max)
		++*n;
	memmove(&ret[at + 1], &ret[at], (*n - at - 1) * sizeof(*ret));
	ret[at] = s;
}

size_t model_suspects(const struct model *m, struct suspect *ret, size_t max)
{
	size_t n = 0;

	if (max == 0)
		return 0;
	model_for_each_process (m, p)
		for (enum seep_slot s = 0; s < SLOT_MAX; s++)
			consider(p, s, ret, max, &n);
	return n;
}
