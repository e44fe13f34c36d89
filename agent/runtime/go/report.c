// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/report.h"

static const char *const features[GO_FEATURE_MAX] = {
#define X(feature, name) [GO_##feature] = name,
	GO_FEATURES(X)
#undef X
};

static const char *const statuses[GO_STATUS_MAX] = {
#define X(status, text) [GO_##status] = text,
	GO_STATUSES(X)
#undef X
};

const char *go_feature_name(enum go_feature feature)
{
	return features[feature];
}

const char *go_status_text(uint32_t status)
{
	return status < GO_STATUS_MAX ? statuses[status] : "an answer that cannot be";
}

static bool counts_hold(const struct go_report *r, size_t size)
{
	return r->n_groups <= GO_GROUPS && r->n_timers <= GO_TIMERS_MAX && r->n_codes <= GO_CODES &&
	       r->n_places <= GO_PLACES && r->n_pools <= GO_POOLS_MAX &&
	       r->n_samples <= GO_SAMPLES && r->n_channels <= GO_CHANNELS_MAX &&
	       r->n_stacks <= GO_STACKS && r->n_strings > 0 && r->n_strings <= GO_STRINGS &&
	       size == offsetof(struct go_report, strings) + r->n_strings &&
	       r->strings[0] == '\0' && r->strings[r->n_strings - 1] == '\0' &&
	       r->version[GO_VERSION - 1] == '\0';
}

/* GO_CODES stands for none. */
static bool is_code(const struct go_report *r, uint16_t code)
{
	return code < r->n_codes || code == GO_CODES;
}

static bool is_stack(const struct go_report *r, uint16_t first, uint16_t n)
{
	return first <= r->n_stacks && n <= r->n_stacks - first;
}

static bool channels_hold(const struct go_report *r)
{
	for (uint32_t i = 0; i < r->n_channels; i++) {
		const struct go_channel *c = &r->channels[i];

		if (c->items > c->capacity || !is_stack(r, c->makers, c->n_makers) ||
		    !is_stack(r, c->senders, c->n_senders) ||
		    !is_stack(r, c->sender, c->n_sender) || !is_stack(r, c->holder, c->n_holder))
			return false;
	}
	return true;
}

static bool groups_hold(const struct go_report *r)
{
	for (uint32_t i = 0; i < r->n_groups; i++) {
		const struct go_group *g = &r->groups[i];

		if (!is_code(r, g->made) || !is_code(r, g->start) || g->reason >= r->n_strings ||
		    !is_stack(r, g->stack, g->n_stack))
			return false;
	}
	return true;
}

/* Who follows samples divides by how many there are one of. */
static bool timers_hold(const struct go_report *r)
{
	if (r->n_samples && r->sampled == 0)
		return false;
	for (uint32_t i = 0; i < r->n_samples; i++)
		if (r->samples[i].group >= r->n_timers)
			return false;
	for (uint32_t i = 0; i < r->n_timers; i++)
		if (!is_code(r, r->timer_groups[i].code) ||
		    r->timer_groups[i].kind >= GO_TIMER_KINDS)
			return false;
	return true;
}

static bool pools_hold(const struct go_report *r)
{
	for (uint32_t i = 0; i < r->n_pools; i++)
		if (!is_stack(r, r->pools[i].user, r->pools[i].n_user))
			return false;
	return is_stack(r, r->pool_calls, r->n_pool_calls);
}

/* Who reads memory has refused all others; of what is no number nothing can be counted. */
static bool collector_holds(const struct go_report *r)
{
	return r->collector.cpu_fraction >= 0 && r->collector.cpu_fraction <= 1;
}

static bool tables_hold(const struct go_report *r)
{
	for (uint32_t i = 0; i < r->n_codes; i++)
		if (r->codes[i].first > r->n_places ||
		    r->codes[i].n > r->n_places - r->codes[i].first)
			return false;
	for (uint32_t i = 0; i < r->n_places; i++)
		if (r->places[i].function >= r->n_strings || r->places[i].file >= r->n_strings)
			return false;
	for (uint32_t i = 0; i < r->n_stacks; i++)
		if (r->stacks[i] >= r->n_codes)
			return false;
	return true;
}

int go_report_check(const struct go_report *r, size_t size)
{
	if (size <= offsetof(struct go_report, strings) || size > sizeof(*r))
		return -EPROTO;
	return counts_hold(r, size) && groups_hold(r) && timers_hold(r) && channels_hold(r) &&
			       pools_hold(r) && collector_holds(r) && tables_hold(r)
		       ? 0
		       : -EPROTO;
}
