// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "agent/base/cleanup.h"
#include "exporters/prometheus.h"
#include "exporters/prometheus_parts.h"
#include "exporters/samples.h"
#include "exporters/self.h"

/* The namespaces beyond the cap have no rows; their processes' groups have theirs. */
static void write_netns(struct exposition *e, const struct model *m, enum metric_id id)
{
	size_t left = m->group_cap;

	model_for_each_netns(m, n)
	{
		const char *source = bound_source_name(n->ports.source);
		bool bounded = n->ports.source != BOUND_NONE;
		char inode[16];
		struct sample_owner o = { { inode }, 1 };

		if (left-- == 0)
			return;
		snprintf(inode, sizeof(inode), "%" PRIu32, n->inode);
		if (id == METRIC_NETNS_LIVE)
			sample_resource(e, id, &o, n->cells, SLOT_TCP);
		else if (bounded)
			exposition_sample(e, id,
					  (double)(id == METRIC_NETNS_BOUND ? n->ports.limit
									    : n->ports.used),
					  LABELS(inode, "tcp", source));
	}
}

/* Zeros too: who counts on increase() needs the row before its first step. */
static void write_losses(struct exposition *e, const struct model *m)
{
	for (enum loss_topic t = 0; t < LOSS_TOPIC_MAX; t++)
		for (enum loss_reason r = 0; r < LOSS_REASON_MAX; r++)
			SAMPLE(e, LOST_EVENTS, m->lost[t][r], loss_topic_name(t),
			       loss_reason_name(r));
	for (enum drop_table t = 0; t < DROP_MAX; t++)
		SAMPLE(e, SERIES_DROPPED, m->dropped[t], drop_table_name(t));
}

static void write_agent(struct exposition *e, const struct model *m)
{
	struct self self;

	for (size_t i = 0; i < m->n_rungs; i++)
		SAMPLE(e, RUNG, 1, m->rungs[i].topic, m->rungs[i].rung);
	if (m->census) {
		SAMPLE(e, CENSUS_SECONDS, m->census_seconds);
		SAMPLE(e, LAST_CENSUS, m->now);
	}
	SAMPLE(e, BUILD, 1, SEEP_VERSION);
	self_read(&self);
	SAMPLE(e, CPU, self.cpu_seconds);
	SAMPLE(e, OPEN_FDS, self.open_fds);
	SAMPLE(e, MAX_FDS, self.max_fds);
	SAMPLE(e, RESIDENT, self.resident);
	SAMPLE(e, VIRTUAL, self.virtual);
	SAMPLE(e, THREADS, self.threads);
	SAMPLE(e, START_TIME, self.start_time);
}

int prometheus_write(const struct model *m, enum prometheus_format f, struct buffer *out)
{
	_cleanup_(selection_freep) struct selection *chosen = NULL;
	struct exposition e = { .out = out, .format = f, .family = METRIC_MAX };
	int r = selection_new(m, &chosen);

	if (r < 0)
		return r;
	prometheus_groups(&e, chosen);
	prometheus_suspects(&e, chosen);
	for (enum metric_id id = METRIC_NETNS_LIVE; id <= METRIC_NETNS_BOUND_USED; id++)
		write_netns(&e, m, id);
	write_losses(&e, m);
	write_agent(&e, m);
	exposition_end(&e);
	return out->failed ? -ENOMEM : 0;
}

int prometheus_render(const struct model *m, enum prometheus_format f, char **ret, size_t *ret_len)
{
	struct buffer out = { 0 };
	int r = prometheus_write(m, f, &out);

	if (r == 0)
		r = buffer_take(&out, ret, ret_len);
	buffer_done(&out);
	return r;
}
