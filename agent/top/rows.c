// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/sentence.h"
#include "agent/top/rank.h"
#include "agent/top/rows.h"
#include "exporters/json.h"

void rows_free(struct rows *list)
{
	free(list->rows);
	*list = (struct rows){ 0 };
}

static int add_row(struct rows *list, const struct holder *h, enum seep_slot slot)
{
	const struct bound *b = holder_bound(h, slot);
	int64_t live = holder_cell(h, slot)->live;
	struct row *r;

	if (list->n == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 256;
		struct row *grown = reallocarray(list->rows, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->rows = grown;
		list->capacity = capacity;
	}
	r = &list->rows[list->n++];
	*r = (struct row){ *h, slot, holder_forecast(h, slot).eta, NAN, bound_ratio(b), 0 };
	if (b->source != BOUND_NONE && b->limit && live > 0)
		r->weight = (double)live / (double)b->limit;
	if (h->process && slot == SLOT_THREAD && !births_telling(h->process, &r->births))
		r->births = NAN;
	return 0;
}

static int add_holder(struct rows *list, const struct holder *h)
{
	int r = 0;

	for (enum seep_slot s = 0; s < SLOT_MAX && r == 0; s++) {
		bool whole = slot_bounded_by(s) == s;
		enum seep_slot shown = whole ? holder_telling_slot(h, s) : s;

		if (holder_cell(h, shown)->live <= 0 || !(whole || slot_tells(s)))
			continue;
		if (!whole && holder_telling_slot(h, slot_bounded_by(s)) == s)
			continue;
		r = add_row(list, h, shown);
	}
	return r;
}

static int add_netns(struct rows *list, const struct model *m)
{
	int r = 0;

	model_for_each_netns(m, n)
	{
		struct holder h = { .netns = n };

		if (r == 0 && n->cells[SLOT_TCP_TIME_WAIT].live > 0)
			r = add_row(list, &h, SLOT_TCP_TIME_WAIT);
	}
	return r;
}

static bool passes(const struct rows_options *o, const struct model_process *p)
{
	struct json_filter filter = { o->pid, o->text, o->all };

	return json_filter_passes(&filter, p) &&
	       (!o->group || (p->group && strcmp(p->group->name, o->group) == 0));
}

static void note_unreadable(struct rows *list, const struct model_process *p)
{
	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		if (p->cells[s].live != LIVE_UNKNOWN)
			continue;
		list->unreadable++;
		list->unreadable_reason = p->reason ? p->reason : list->unreadable_reason;
		return;
	}
}

static int add_processes(struct rows *list, const struct model *m, const struct rows_options *o)
{
	int r = 0;

	model_for_each_process (m, p) {
		struct holder h = { .process = p };

		if (!passes(o, p))
			continue;
		note_unreadable(list, p);
		if (r == 0 && !o->by_group)
			r = add_holder(list, &h);
	}
	return r;
}

static int add_groups(struct rows *list, const struct model *m, const struct rows_options *o)
{
	int r = 0;

	model_for_each_group (m, g) {
		struct holder h = { .group = g };

		if (r < 0 || !g->processes || (!o->all && strcmp(g->name, "kernel") == 0))
			continue;
		if (!o->text || strstr(g->name, o->text))
			r = add_holder(list, &h);
	}
	return r;
}

int rows_build(struct rows *list, const struct model *m, const struct rows_options *o)
{
	int r;

	list->n = list->unreadable = 0;
	list->unreadable_reason = NULL;
	r = add_processes(list, m, o);
	if (r == 0 && o->by_group)
		r = add_groups(list, m, o);
	if (r == 0 && !o->pid && !o->text && !o->group)
		r = add_netns(list, m);
	if (r < 0)
		return r;
	rank_weigh(list);
	if (!o->all && !o->pid && !o->group)
		rank_cut(list);
	rank_sort(list, o->sort);
	return 0;
}
