// SPDX-License-Identifier: GPL-2.0-only
/* Who is to be looked at first, and how to say it to people. */
#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
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
	return (relative_growth(x) < relative_growth(y)) - (relative_growth(x) > relative_growth(y));
}

static void consider(const struct model_process *p, enum seep_slot slot, struct suspect *ret, size_t max, size_t *n)
{
	const struct bound *b = &p->bounds[slot_info(slot)->total];
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
	model_for_each_process(m, p)
		for (enum seep_slot s = 0; s < SLOT_MAX; s++)
			consider(p, s, ret, max, &n);
	return n;
}

/* "41", "1.5 MiB": what fits the unit. */
void model_format_amount(double value, enum seep_unit unit, char *dst, size_t size)
{
	static const char *const suffixes[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t i = 0;

	if (unit == UNIT_COUNT) {
		snprintf(dst, size, "%.*f", fabs(value) < 10 && value != floor(value) ? 1 : 0, value);
		return;
	}
	while (fabs(value) >= 1024 && i + 1 < ARRAY_SIZE(suffixes)) {
		value /= 1024;
		i++;
	}
	snprintf(dst, size, "%.*f %s", i && fabs(value) < 100 ? 1 : 0, value, suffixes[i]);
}

/* "45 s", "12 min", "6 h", "3 days". */
void model_format_span(double seconds, char *dst, size_t size)
{
	static const struct {
		double least, unit;
		const char *name;
	} steps[] = { { 2 * 86400, 86400, "days" }, { 2 * 3600, 3600, "h" }, { 120, 60, "min" }, { 0, 1, "s" } };
	size_t i = 0;

	while (seconds < steps[i].least)
		i++;
	snprintf(dst, size, "%.0f %s", seconds / steps[i].unit, steps[i].name);
}

static const struct model_peer *largest_peer(const struct model_process *p, enum seep_slot slot)
{
	const struct model_peer *best = NULL;

	for (unsigned int i = 0; i < p->n_peers; i++)
		if (p->peers[i].slot == slot && (!best || p->peers[i].count > best->count))
			best = &p->peers[i];
	return best;
}

static void format_peer(const struct model_peer *peer, char *dst, size_t size)
{
	char addr[INET6_ADDRSTRLEN];

	if (!peer || !inet_ntop(peer->family, peer->addr, addr, sizeof(addr))) {
		*dst = '\0';
		return;
	}
	snprintf(dst, size, peer->family == AF_INET6 ? " to [%s]:%u" : " to %s:%u", addr, peer->port);
}

void model_sentence(const struct suspect *s, char *dst, size_t size)
{
	const struct model_process *p = s->process;
	const struct model_cell *c = &p->cells[s->slot];
	const struct slot_info *info = slot_info(s->slot);
	const struct bound *b = &p->bounds[info->total];
	char rate[32], limit[32], span[32], peer[80];
	int n;

	model_format_amount(c->trend.rate_per_hour, info->unit, rate, sizeof(rate));
	format_peer(info->total == SLOT_TCP ? largest_peer(p, s->slot) : NULL, peer, sizeof(peer));
	n = snprintf(dst, size, "%s (%s, pid %d): %s %s%s%s/h%s", p->group ? p->group->name : p->comm,
		     p->comm, p->pid, rate, info->resource, info->kind ? " " : "",
		     info->kind ? info->kind : "", peer);
	if (n < 0 || (size_t)n >= size)
		return;
	if (b->source == BOUND_NONE) {
		snprintf(dst + n, size - (size_t)n, ", no limit");
		return;
	}
	model_format_amount((double)b->limit, info->unit, limit, sizeof(limit));
	if (isnan(s->eta)) {
		snprintf(dst + n, size - (size_t)n, ", limit %s (%s)", limit, bound_source_name(b->source));
		return;
	}
	model_format_span(s->eta, span, sizeof(span));
	snprintf(dst + n, size - (size_t)n, ", limit %s (%s) in %s", limit, bound_source_name(b->source), span);
}
