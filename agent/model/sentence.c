// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/model/sentence.h"

#define LEAST_BIRTHS  24   /* two a slice */
#define LEAST_LIFE    60   /* seconds */
#define SHARE_OF_LIFE 0.75 /* what births_steady looks at */

void model_format_amount(double value, enum seep_unit unit, char *dst, size_t size)
{
	if (unit == UNIT_COUNT)
		snprintf(dst, size, "%.*f", fabs(value) < 10 && value != floor(value) ? 1 : 0,
			 value);
	else
		text_format_bytes(value, dst, size);
}

void model_format_span(double seconds, char *dst, size_t size)
{
	static const struct {
		double least, unit;
		const char *name;
	} steps[] = { { 2 * 86400, 86400, "days" },
		      { 2 * 3600, 3600, "h" },
		      { 120, 60, "min" },
		      { 0, 1, "s" } };
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(steps) && seconds < steps[i].least)
		i++;
	snprintf(dst, size, "%.0f %s", seconds / steps[i].unit, steps[i].name);
}

void sentence_slot(enum seep_slot slot, char *dst, size_t size)
{
	const struct slot_info *info = slot_info(slot);

	snprintf(dst, size, "%s%s%s", info->resource, info->kind ? " " : "",
		 info->kind ? info->kind : "");
}

void sentence_peer(const struct model_peer *peer, char *dst, size_t size)
{
	char addr[INET6_ADDRSTRLEN];

	*dst = '\0';
	if (!inet_ntop(peer->family, peer->addr, addr, sizeof(addr)))
		return;
	if (!peer->port)
		snprintf(dst, size, "%s", addr);
	else
		snprintf(dst, size, peer->family == AF_INET6 ? "[%s]:%u" : "%s:%u", addr,
			 peer->port);
}

/* " to 10.0.0.5:5432" where most of them lead; who came to us has no port (probe/peers.c). */
static void say_peer(const struct holder *h, enum seep_slot slot, char *dst, size_t size)
{
	const struct model_peer *best = NULL;
	char peer[80];

	if (h->netns && slot == SLOT_TCP_TIME_WAIT && *h->netns->busiest)
		text_append(dst, size, " to %s", h->netns->busiest);
	for (unsigned int i = 0; h->process && i < h->process->n_peers; i++)
		if (h->process->peers[i].slot == slot &&
		    (!best || h->process->peers[i].count > best->count))
			best = &h->process->peers[i];
	if (!best)
		return;
	sentence_peer(best, peer, sizeof(peer));
	if (*peer)
		text_append(dst, size, " %s %s", best->port ? "to" : "from", peer);
}

/* ", limit 1024 (RLIMIT_NOFILE) in 6 h", ", limit 1024 (RLIMIT_NOFILE), 97 % used" */
static void say_limit(const struct bound *b, enum seep_unit unit, double eta, char *dst,
		      size_t size)
{
	char limit[32], span[32];

	if (b->source == BOUND_NONE) {
		text_append(dst, size, ", no limit");
		return;
	}
	model_format_amount((double)b->limit, unit, limit, sizeof(limit));
	text_append(dst, size, ", limit %s (%s)", limit, bound_source_name(b->source));
	if (bound_ratio(b) >= BOUND_NEAR)
		text_append(dst, size, ", %.0f %% used", 100 * bound_ratio(b));
	if (isnan(eta))
		return;
	model_format_span(eta, span, sizeof(span));
	text_append(dst, size, " in %s", span);
}

void sentence_growth(const struct holder *h, enum seep_slot slot, char *dst, size_t size)
{
	enum seep_unit unit = slot_info(slot)->unit;
	char rate[32], name[64];

	model_format_amount(holder_cell(h, slot)->trend.rate_per_hour, unit, rate, sizeof(rate));
	sentence_slot(slot, name, sizeof(name));
	holder_full_name(h, dst, size);
	text_append(dst, size, ": %s %s/h", rate, name);
	say_peer(h, slot, dst, size);
	say_limit(holder_bound(h, slot), unit, holder_forecast(h, slot).eta, dst, size);
}

void model_sentence(const struct suspect *s, char *dst, size_t size)
{
	struct holder h = { .process = s->process };

	if (s->process->cells[s->slot].trend.verdict >= VERDICT_GROWING)
		sentence_growth(&h, s->slot, dst, size);
	else
		sentence_share(&h, s->slot, dst, size);
}

bool births_telling(const struct model_process *p, double *ret_per_hour)
{
	const struct births *b = &p->births;

	return b->count >= LEAST_BIRTHS && (b->to - b->from) * SHARE_OF_LIFE >= LEAST_LIFE &&
	       births_steady(b, ret_per_hour);
}

/* 4000 is "4,000". */
static void format_grouped(uint64_t n, char *dst, size_t size)
{
	char digits[32];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n), out = 0;

	for (size_t i = 0; i < len && out + 2 < size; i++) {
		if (i && (len - i) % 3 == 0)
			dst[out++] = ',';
		dst[out++] = digits[i];
	}
	dst[out] = '\0';
}

bool sentence_births(const struct model_process *p, char *dst, size_t size)
{
	const struct bound *b = &p->bounds[SLOT_THREAD];
	struct holder h = { .process = p };
	char count[40], rate[32], span[32];
	double per_hour, eta = NAN;

	if (!births_telling(p, &per_hour))
		return false;
	if (b->source != BOUND_NONE && per_hour > 0)
		eta = b->used >= b->limit ? 0 : (double)(b->limit - b->used) / per_hour * 3600;
	format_grouped(p->births.count, count, sizeof(count));
	model_format_amount(per_hour < 10 ? per_hour : round(per_hour), UNIT_COUNT, rate,
			    sizeof(rate));
	model_format_span((p->births.to - p->births.from) * SHARE_OF_LIFE, span, sizeof(span));
	holder_full_name(&h, dst, size);
	text_append(dst, size, ": %s threads, a steady %s an hour over %s", count, rate, span);
	say_limit(b, UNIT_COUNT, eta, dst, size);
	return true;
}

void sentence_share(const struct holder *h, enum seep_slot slot, char *dst, size_t size)
{
	const struct bound *b = holder_bound(h, slot);
	const char *scope = bound_scope_name(b->source);
	enum seep_unit unit = slot_info(slot)->unit;
	char live[32], limit[32], name[64];

	model_format_amount((double)holder_cell(h, slot)->live, unit, live, sizeof(live));
	model_format_amount((double)b->limit, unit, limit, sizeof(limit));
	sentence_slot(slot, name, sizeof(name));
	holder_full_name(h, dst, size);
	text_append(dst, size, ": %s %s", live, name);
	say_peer(h, slot, dst, size);
	if (b->source == BOUND_NONE) {
		text_append(dst, size, ", no limit");
		return;
	}
	if (strcmp(scope, "process") != 0)
		text_append(dst, size, ", with all of its %s", scope);
	else if (h->group && h->group->processes > 1)
		text_append(dst, size, ", one of them");
	text_append(dst, size, ", %.0f %% of %s (%s)", 100 * bound_ratio(b), limit,
		    bound_source_name(b->source));
}
