// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "agent/base/cleanup.h"
#include "agent/model/sentence.h"
#include "agent/top/detail.h"
#include "agent/top/status.h"

static void write_identity(const struct model *m, const struct model_process *p, FILE *to)
{
	time_t started = (time_t)p->start_time;
	char when[32] = "?", ago[32];
	struct tm tm;

	if (localtime_r(&started, &tm))
		strftime(when, sizeof(when), "%F %T", &tm);
	model_format_span(fmax(m->now - p->start_time, 0), ago, sizeof(ago));
	fprintf(to, "pid      %d, parent %d, uid %u%s\n", p->pid, p->parent, p->uid,
		p->zombie	   ? ", a zombie"
		: p->kernel_thread ? ", a kernel thread"
				   : "");
	fprintf(to, "started  %s, %s ago\n", when, ago);
	if (p->group)
		fprintf(to, "group    %s\n", p->group->name);
	if (p->exe && *p->exe)
		fprintf(to, "exe      %s\n", p->exe);
	if (p->cgroup && *p->cgroup)
		fprintf(to, "cgroup   %s\n", p->cgroup);
	if (p->netns)
		fprintf(to, "netns    %u\n", p->netns);
}

/* What is NAN stays empty. */
static void format_span(double seconds, char *dst, size_t size)
{
	*dst = '\0';
	if (!isnan(seconds))
		model_format_span(seconds, dst, size);
}

static void write_slot(const struct model_process *p, enum seep_slot slot, FILE *to)
{
	const struct holder h = { .process = p };
	const struct slot_info *info = slot_info(slot);
	const struct model_cell *c = &p->cells[slot];
	char live[32] = "?", rate[32] = "", eta[32], oldest[32];

	if (c->live != LIVE_UNKNOWN)
		model_format_amount((double)c->live, info->unit, live, sizeof(live));
	if (!isnan(c->trend.rate_per_hour))
		model_format_amount(c->trend.rate_per_hour, info->unit, rate, sizeof(rate));
	format_span(holder_forecast(&h, slot).eta, eta, sizeof(eta));
	format_span(c->oldest, oldest, sizeof(oldest));
	fprintf(to, "%-8s %-12s %10s %10s  %-8s %8s %8s\n", info->resource,
		info->kind ? info->kind : "", live, rate,
		c->trend.verdict == VERDICT_UNKNOWN ? "-" : verdict_name(c->trend.verdict), eta,
		oldest);
}

static void write_slots(const struct model_process *p, FILE *to)
{
	fprintf(to, "\n%-8s %-12s %10s %10s  %-8s %8s %8s\n", "RESOURCE", "KIND", "LIVE", "RATE/h",
		"VERDICT", "ETA", "OLDEST");
	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		if (slot_is_total(s) || p->cells[s].live > 0)
			write_slot(p, s, to);
	if (p->reason)
		fprintf(to, "\n?: %s\n", p->reason);
}

/* "growing for 5 h: the minimum of …; full in 5 h to 6 h": what a slot's verdict rests on. */
static void write_reason(const struct model_process *p, enum seep_slot slot, double now, FILE *to)
{
	const struct holder h = { .process = p };
	const struct model_cell *c = &p->cells[slot];
	struct forecast f = holder_forecast(&h, slot);
	char words[EVIDENCE_MAX], low[32], high[32], age[32];

	format_span(now - c->trend.since, age, sizeof(age));
	format_span(f.low, low, sizeof(low));
	format_span(f.high, high, sizeof(high));
	evidence_write(&c->trend, &c->evidence, slot_info(slot)->unit == UNIT_BYTES, words,
		       sizeof(words));
	fprintf(to, " %s%s%s: %s", verdict_name(c->trend.verdict), *age ? " for " : "", age, words);
	if (*low)
		fprintf(to, "; full in %s", low);
	if (*low && !*high)
		fprintf(to, " or never");
	else if (strcmp(low, high) != 0)
		fprintf(to, " to %s", high);
	fputc('\n', to);
}

/* The same to people: seen from two sides, or as a kind and its total. */
static bool same_reason(const struct model_cell *a, const struct model_cell *b)
{
	return a->trend.verdict == b->trend.verdict &&
	       a->trend.rate_per_hour == b->trend.rate_per_hour &&
	       a->evidence.rising == b->evidence.rising && a->evidence.span == b->evidence.span &&
	       a->evidence.rate_error == b->evidence.rate_error;
}

/* Why verdicts are what they are, where they are news; one line for all slots of one reason. */
static void write_evidence(const struct model_process *p, double now, FILE *to)
{
	enum seep_slot last = SLOT_MAX;

	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		char slot[48];

		if (p->cells[s].trend.verdict < VERDICT_WARMING)
			continue;
		sentence_slot(s, slot, sizeof(slot));
		if (last == SLOT_MAX) {
			fprintf(to, "\nEVIDENCE\n%s", slot);
		} else if (same_reason(&p->cells[last], &p->cells[s])) {
			fprintf(to, ", %s", slot);
		} else {
			write_reason(p, last, now, to);
			fprintf(to, "%s", slot);
		}
		last = s;
	}
	if (last != SLOT_MAX)
		write_reason(p, last, now, to);
}

/* What limits each resource, and who shares that limit. */
static void write_bounds(const struct model_process *p, FILE *to)
{
	fprintf(to, "\n%-8s %10s %10s %5s  %s\n", "RESOURCE", "USED", "BOUND", "%",
		"SOURCE (SCOPE)");
	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		const struct slot_info *info = slot_info(s);
		const struct bound *b = &p->bounds[s];
		char used[32], limit[32];

		if (slot_bounded_by(s) != s || b->source == BOUND_NONE)
			continue;
		model_format_amount((double)b->used, info->unit, used, sizeof(used));
		model_format_amount((double)b->limit, info->unit, limit, sizeof(limit));
		fprintf(to, "%-8s %10s %10s %4.0f%%  %s (%s)\n", info->resource, used, limit,
			100 * bound_ratio(b), bound_source_name(b->source),
			bound_scope_name(b->source));
	}
}

static void write_peers(const struct model_process *p, FILE *to)
{
	for (unsigned int i = 0; i < p->n_peers; i++) {
		const struct model_peer *peer = &p->peers[i];
		char text[80];

		sentence_peer(peer, text, sizeof(text));
		fprintf(to, "%s%10" PRIu64 " %-12s %s %s\n", i ? "" : "\nPEERS\n", peer->count,
			slot_info(peer->slot)->kind, peer->port ? "to" : "from", text);
	}
}

void detail_write(const struct model *m, const struct model_process *p, FILE *to)
{
	char births[STATUS_MAX];

	write_identity(m, p, to);
	write_slots(p, to);
	write_evidence(p, m->now, to);
	write_bounds(p, to);
	if (sentence_births(p, births, sizeof(births)))
		fprintf(to, "\n%s\n", births);
	write_peers(p, to);
}
