// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "exporters/selection.h"

/* How much a group has to be seen: compared field by field, the name last, so that equals do not
 * change places from one scrape to the next. */
struct rank {
	const struct model_group *group;
	size_t order;
	enum verdict verdict;
	double used;
	int64_t size;
};

static struct rank rank_group(const struct model_group *g, size_t order)
{
	struct rank r = { .group = g, .order = order };

	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		if (g->cells[s].trend.verdict > r.verdict)
			r.verdict = g->cells[s].trend.verdict;
		if (slot_is_total(s))
			r.used = fmax(r.used, bound_ratio(&g->bounds[s]));
	}
	/* A tenth is near enough to be the same: the order should not follow every breath. */
	r.used = floor(r.used * 10);
	r.size = g->cells[SLOT_FD].live + g->cells[SLOT_THREAD].live;
	return r;
}

static int by_rank(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	if (x->verdict != y->verdict)
		return x->verdict < y->verdict ? 1 : -1;
	if (x->used != y->used)
		return x->used < y->used ? 1 : -1;
	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return strcmp(x->group->name, y->group->name);
}

static int by_order(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

static void add_cell(struct model_cell *sum, const struct model_cell *c)
{
	if (c->live != LIVE_UNKNOWN)
		sum->live += c->live;
	sum->created += c->created;
	/* Of the sum only this is asked: was it ever more than nothing. */
	if (c->series)
		sum->series = c->series;
	if (isnan(sum->trend.rate_per_hour))
		sum->trend.rate_per_hour = c->trend.rate_per_hour;
	else if (!isnan(c->trend.rate_per_hour))
		sum->trend.rate_per_hour += c->trend.rate_per_hour;
}

/* Live counts and rates add up; of bounds the tightest stands for all. */
static void add_group(struct model_group *sum, const struct model_group *g)
{
	sum->processes += g->processes;
	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		add_cell(&sum->cells[s], &g->cells[s]);
		bound_tighten(&sum->bounds[s], &g->bounds[s]);
	}
	gogroup_join(&sum->go, &g->go);
}

static int new_other(struct model_group **ret)
{
	struct model_group *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->name = strdup("other");
	if (!g->name) {
		free(g);
		return -ENOMEM;
	}
	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		g->cells[s].trend.rate_per_hour = NAN;
	*ret = g;
	return 0;
}

static int choose_groups(struct selection *s, const struct model *m)
{
	_cleanup_free_ struct rank *ranks = calloc(m->n_groups + 1, sizeof(*ranks));
	size_t n = 0;

	s->groups = calloc(m->n_groups + 1, sizeof(struct model_group *));
	if (!ranks || !s->groups)
		return -ENOMEM;
	model_for_each_group (m, g) {
		if (n == m->n_groups)
			break;
		ranks[n] = rank_group(g, n);
		n++;
	}
	s->n_groups = n;
	if (n > m->group_cap) {
		qsort(ranks, n, sizeof(*ranks), by_rank);
		s->n_groups = m->group_cap;
		qsort(ranks, s->n_groups, sizeof(*ranks), by_order);
		if (new_other(&s->other) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		if (i < s->n_groups)
			s->groups[i] = ranks[i].group;
		else
			add_group(s->other, ranks[i].group);
	}
	return 0;
}

static int by_process(const void *a, const void *b)
{
	const struct suspect *x = a, *y = b;

	if (x->process->pid != y->process->pid)
		return x->process->pid < y->process->pid ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static int choose_suspects(struct selection *s, const struct model *m)
{
	size_t left;

	s->suspects = calloc(m->process_cap + 1, sizeof(*s->suspects));
	if (!s->suspects)
		return -ENOMEM;
	s->n_suspects = model_suspects(m, s->suspects, m->process_cap, &left);
	qsort(s->suspects, s->n_suspects, sizeof(*s->suspects), by_process);
	return 0;
}

int selection_new(const struct model *m, struct selection **ret)
{
	struct selection *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	if (choose_groups(s, m) < 0 || choose_suspects(s, m) < 0) {
		selection_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void selection_free(struct selection *s)
{
	if (!s)
		return;
	if (s->other)
		free(s->other->name);
	free(s->other);
	free(s->groups);
	free(s->suspects);
	free(s);
}

static size_t beyond(size_t n, size_t cap)
{
	return n > cap ? n - cap : 0;
}

void selection_count_drops(struct model *m)
{
	size_t suspects, netns = 0;

	model_suspects(m, NULL, 0, &suspects);
	model_for_each_netns(m, n) netns++;
	m->dropped[DROP_GROUP] += beyond(m->n_groups, m->group_cap);
	m->dropped[DROP_PROCESS] += beyond(suspects, m->process_cap);
	m->dropped[DROP_NETNS] += beyond(netns, m->group_cap);
}
