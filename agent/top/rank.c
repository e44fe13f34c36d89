// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/top/rank.h"

#define WEIGHT_SHOWN 0.01	   /* of a bound, from which on a row matters by itself */
#define LEAST_SHOWN  20		   /* rows */
#define ETA_MATTERS  (2 * 86400.0) /* seconds to a bound, for growth that is no verdict yet */

static const char *const sort_names[SORT_MAX] = {
#define X(id, name) [SORT_##id] = name,
	SEEP_TOP_SORTS(X)
#undef X
};

const char *rows_sort_name(enum rows_sort sort)
{
	return sort_names[sort];
}

enum rows_sort rows_sort_find(const char *name)
{
	enum rows_sort sort = 0;

	while (sort < SORT_MAX && strcmp(sort_names[sort], name) != 0)
		sort++;
	return sort;
}

bool slot_tells(enum seep_slot slot)
{
	return slot == SLOT_PROCESS_ZOMBIE || slot == SLOT_TCP_CLOSE_WAIT ||
	       slot == SLOT_TCP_SYN_SENT;
}

static const struct model_cell *row_cell(const struct row *r)
{
	return holder_cell(&r->holder, r->slot);
}

enum verdict row_verdict(const struct row *r)
{
	return row_cell(r)->trend.verdict;
}

bool row_warms(const struct row *r)
{
	return row_verdict(r) == VERDICT_WARMING && r->eta < ETA_MATTERS;
}

static int compare_numbers(double a, double b)
{
	return (a > b) - (a < b);
}

/* The same bound side by side, its largest holder first. */
static int compare_bounds(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	const struct bound *x = holder_bound(&a->holder, a->slot),
			   *y = holder_bound(&b->holder, b->slot);
	int order = (int)x->source - (int)y->source;

	if (!order)
		order = (x->limit > y->limit) - (x->limit < y->limit);
	if (!order)
		order = (x->used > y->used) - (x->used < y->used);
	return order ? order : compare_numbers(b->weight, a->weight);
}

static bool same_bound(const struct row *a, const struct row *b)
{
	const struct bound *x = holder_bound(&a->holder, a->slot),
			   *y = holder_bound(&b->holder, b->slot);

	return x->source == y->source && x->limit == y->limit && x->used == y->used;
}

void rank_weigh(struct rows *list)
{
	if (list->n == 0)
		return;
	qsort(list->rows, list->n, sizeof(*list->rows), compare_bounds);
	for (size_t i = 0; i < list->n; i++) {
		struct row *r = &list->rows[i];
		enum bound_source source = holder_bound(&r->holder, r->slot)->source;

		if (bound_is_own(source) || i == 0 || !same_bound(r, r - 1))
			r->weight = r->share;
	}
}

static double relative_growth(const struct row *r)
{
	const struct model_cell *c = row_cell(r);

	return isnan(c->trend.rate_per_hour) || c->live <= 0
		       ? 0
		       : c->trend.rate_per_hour / (double)c->live;
}

bool row_nearly_full(const struct row *r)
{
	return r->weight >= BOUND_NEAR;
}

/* What fails now or soon, then verdicts, then what has little left, what is told by births, and
 * what may become a verdict. */
static int urgency(const struct row *r)
{
	if (r->weight >= BOUND_FULL)
		return VERDICT_MAX + 3;
	if (row_verdict(r) >= VERDICT_GROWING)
		return (int)row_verdict(r) + 3;
	if (row_nearly_full(r))
		return 3;
	return !isnan(r->births) ? 2 : row_warms(r) ? 1 : 0;
}

static int compare_growth(const struct row *a, const struct row *b)
{
	int order = urgency(b) - urgency(a);

	if (!order && urgency(a)) {
		/* The sooner the bound the sooner the row; none at all comes last. */
		order = compare_numbers(isnan(a->eta) ? INFINITY : a->eta,
					isnan(b->eta) ? INFINITY : b->eta);
		if (!order)
			order = compare_numbers(relative_growth(b), relative_growth(a));
	}
	return order ? order : compare_numbers(b->weight, a->weight);
}

static int compare_live(const struct row *a, const struct row *b)
{
	int order = (int)slot_info(a->slot)->unit - (int)slot_info(b->slot)->unit;

	return order ? order
		     : compare_numbers((double)row_cell(b)->live, (double)row_cell(a)->live);
}

static int compare_names(const struct row *a, const struct row *b)
{
	char x[512], y[512];

	holder_name(&a->holder, x, sizeof(x));
	holder_name(&b->holder, y, sizeof(y));
	return strcmp(x, y);
}

static pid_t row_pid(const struct row *r)
{
	return r->holder.process ? r->holder.process->pid : 0;
}

static int compare_rows(const void *left, const void *right, void *sort)
{
	const struct row *a = left, *b = right;
	int order = 0;

	switch (*(const enum rows_sort *)sort) {
	case SORT_LIVE:
		order = compare_live(a, b);
		break;
	case SORT_SHARE:
		order = compare_numbers(b->share, a->share);
		if (!order)
			order = compare_numbers(b->weight, a->weight);
		break;
	case SORT_NAME:
		order = compare_names(a, b);
		break;
	default:
		order = compare_growth(a, b);
	}
	if (!order)
		order = (int)row_pid(a) - (int)row_pid(b);
	return order ? order : (int)a->slot - (int)b->slot;
}

void rank_sort(struct rows *list, enum rows_sort sort)
{
	if (list->n)
		qsort_r(list->rows, list->n, sizeof(*list->rows), compare_rows, &sort);
}

static bool row_matters(const struct row *r)
{
	return urgency(r) || r->weight >= WEIGHT_SHOWN || slot_tells(r->slot) ||
	       r->slot == SLOT_BACKLOG;
}

void rank_cut(struct rows *list)
{
	size_t kept = 0;

	rank_sort(list, SORT_GROWTH);
	for (size_t i = 0; i < list->n; i++)
		if (row_matters(&list->rows[i]) || i < LEAST_SHOWN)
			list->rows[kept++] = list->rows[i];
	list->n = kept;
}

const struct row *rows_worst(const struct rows *list)
{
	const struct row *worst = NULL;

	for (size_t i = 0; i < list->n; i++)
		if (!worst || compare_growth(&list->rows[i], worst) < 0)
			worst = &list->rows[i];
	return worst;
}
