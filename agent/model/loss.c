// SPDX-License-Identifier: GPL-2.0-only
#include "agent/model/loss.h"

#define X(id, name) [LOSS_##id] = name,
static const char *const topics[] = { SEEP_LOSS_TOPICS(X) };
static const char *const reasons[] = { SEEP_LOSS_REASONS(X) };
#undef X
#define X(id, name) [DROP_##id] = name,
static const char *const tables[] = { SEEP_DROP_TABLES(X) };
#undef X

const char *loss_topic_name(enum loss_topic topic)
{
	return topics[topic];
}

const char *loss_reason_name(enum loss_reason reason)
{
	return reasons[reason];
}

const char *drop_table_name(enum drop_table table)
{
	return tables[table];
}
