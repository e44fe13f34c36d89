// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <string.h>

#include <jansson.h>

#include "agent/base/cleanup.h"
#include "exporters/json.h"

#define SCHEMA 1

/* What a row is about: a process, or a network namespace. */
struct subject {
	json_t *pid, *start_time, *comm, *exe;
	const char *group;
	const char *reason;
	const struct model_cell *cells;
};

static json_t *json_number_or_null(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *json_count_or_null(int64_t value)
{
	return value == LIVE_UNKNOWN ? json_null() : json_integer(value);
}

static void set_bound(json_t *row, const struct bound *b)
{
	bool none = !b || b->source == BOUND_NONE;

	json_object_set_new(row, "bound", none ? json_null() : json_integer((json_int_t)b->limit));
	json_object_set_new(row, "bound_used",
			    none ? json_null() : json_integer((json_int_t)b->used));
	json_object_set_new(row, "bound_ratio", none ? json_null() : json_real(bound_ratio(b)));
	json_object_set_new(row, "bound_source",
			    none ? json_null() : json_string(bound_source_name(b->source)));
	json_object_set_new(row, "bound_scope",
			    none ? json_null() : json_string(bound_scope_name(b->source)));
}

/* In words, and how sure the rate is; what these leave unsaid is null. */
static void set_evidence(json_t *row, const struct model_cell *c, const struct bound *b, bool bytes)
{
	char words[EVIDENCE_MAX];
	double low = NAN, high = NAN;

	evidence_write(&c->trend, &c->evidence, bytes, words, sizeof(words));
	if (b && b->source != BOUND_NONE)
		trend_eta_range(&c->trend, &c->evidence, (double)b->used, (double)b->limit, &low,
				&high);
	json_object_set_new(row, "rate_error", json_number_or_null(c->evidence.rate_error));
	json_object_set_new(row, "eta_low_seconds", json_number_or_null(low));
	json_object_set_new(row, "eta_high_seconds", json_number_or_null(high));
	json_object_set_new(row, "evidence", *words ? json_string(words) : json_null());
}

static void set_trend(json_t *row, const struct model_cell *c, const struct bound *b)
{
	double eta = b && b->source != BOUND_NONE
			     ? trend_eta(&c->trend, (double)b->used, (double)b->limit)
			     : NAN;

	json_object_set_new(row, "rate_per_hour", json_number_or_null(c->trend.rate_per_hour));
	json_object_set_new(row, "verdict", json_string(verdict_name(c->trend.verdict)));
	json_object_set_new(row, "since", json_number_or_null(c->trend.since));
	json_object_set_new(row, "eta_seconds", json_number_or_null(eta));
	json_object_set_new(row, "oldest_seconds", json_number_or_null(c->oldest));
	json_object_set_new(row, "old", json_count_or_null(c->old));
}

static json_t *new_row(const struct subject *s, enum seep_slot slot, const struct bound *b)
{
	const struct slot_info *info = slot_info(slot);
	const struct model_cell *c = &s->cells[slot];
	json_t *row = json_object();

	json_object_set_new(row, "schema", json_integer(SCHEMA));
	json_object_set(row, "pid", s->pid);
	json_object_set(row, "start_time", s->start_time);
	json_object_set(row, "comm", s->comm);
	json_object_set(row, "exe", s->exe);
	json_object_set_new(row, "group", json_string(s->group));
	json_object_set_new(row, "resource", json_string(info->resource));
	json_object_set_new(row, "kind", info->kind ? json_string(info->kind) : json_null());
	json_object_set_new(row, "unit", json_string(unit_name(info->unit)));
	json_object_set_new(row, "live", json_count_or_null(c->live));
	set_bound(row, b);
	set_trend(row, c, b);
	set_evidence(row, c, b, info->unit == UNIT_BYTES);
	if (c->created)
		json_object_set_new(row, "created", json_integer((json_int_t)c->created));
	if (c->live == LIVE_UNKNOWN)
		json_object_set_new(row, "reason",
				    json_string(s->reason ? s->reason : "not known"));
	return row;
}

static int write_row(json_t *row, FILE *to)
{
	int r = row && json_dumpf(row, to, JSON_COMPACT) == 0 ? 0 : -ENOMEM;

	json_decref(row);
	if (r == 0 && (fputc('\n', to) == EOF || ferror(to)))
		r = -EIO;
	return r;
}

static void subject_done(struct subject *s)
{
	json_decref(s->pid);
	json_decref(s->start_time);
	json_decref(s->comm);
	json_decref(s->exe);
}

static int write_process(const struct model_process *p, FILE *to)
{
	struct subject s = {
		.pid = json_integer(p->pid),
		.start_time = json_real(p->start_time),
		.comm = json_string(p->comm),
		.exe = p->exe ? json_string(p->exe) : json_null(),
		.group = p->group ? p->group->name : "",
		.reason = p->reason,
		.cells = p->cells,
	};
	int r = 0;

	for (enum seep_slot slot = 0; slot < SLOT_MAX && r == 0; slot++) {
		if (slot_is_of_go(slot) && p->cells[SLOT_GOROUTINE].live == 0)
			continue; /* it runs no Go, which has one at least */
		r = write_row(new_row(&s, slot, slot_is_total(slot) ? &p->bounds[slot] : NULL), to);
	}
	subject_done(&s);
	return r;
}

static int write_netns(const struct model_netns *n, FILE *to)
{
	char group[32];
	struct subject s = {
		.pid = json_null(),
		.start_time = json_null(),
		.comm = json_null(),
		.exe = json_null(),
		.group = group,
		.reason = n->reason,
		.cells = n->cells,
	};
	int r = 0;

	snprintf(group, sizeof(group), "netns:%u", n->inode);
	for (enum seep_slot slot = SLOT_TCP + 1; slot_info(slot)->total == SLOT_TCP && r == 0;
	     slot++) {
		bool ports = slot == SLOT_TCP_TIME_WAIT;
		json_t *row;

		if (!ports && n->cells[slot].live <= 0)
			continue;
		row = new_row(&s, slot, ports ? &n->ports : NULL);
		json_object_set_new(row, "netns", json_integer(n->inode));
		if (ports && *n->busiest)
			json_object_set_new(row, "peer", json_string(n->busiest));
		r = write_row(row, to);
	}
	subject_done(&s);
	return r;
}

bool json_filter_passes(const struct json_filter *f, const struct model_process *p)
{
	if (f->pid && p->pid != f->pid)
		return false;
	if (p->kernel_thread && !f->kernel_threads && !f->pid)
		return false;
	if (!f->text)
		return true;
	return strstr(p->comm, f->text) || (p->exe && strstr(p->exe, f->text)) ||
	       (p->group && strstr(p->group->name, f->text));
}

int json_write_model(const struct model *m, const struct json_filter *f, FILE *to)
{
	int r = 0;

	for (struct model_process *p = m->processes; p && r == 0; p = p->next)
		if (json_filter_passes(f, p))
			r = write_process(p, to);
	if (f->pid || f->text)
		return r;
	for (struct model_netns *n = m->netns; n && r == 0; n = n->next)
		r = write_netns(n, to);
	return r;
}
