// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "agent/model/bound.h"

static const struct {
	const char *name;
	const char *scope;
} sources[BOUND_MAX] = {
#define X(source, name, scope) [BOUND_##source] = { name, scope },
	SEEP_BOUND_SOURCES(X)
#undef X
};

const char *bound_source_name(enum bound_source source)
{
	return sources[source].name;
}

const char *bound_scope_name(enum bound_source source)
{
	return sources[source].scope;
}

double bound_ratio(const struct bound *b)
{
	if (b->source == BOUND_NONE)
		return 0;
	return b->limit ? (double)b->used / (double)b->limit : b->used > 0;
}

bool bound_is_own(enum bound_source source)
{
	const char *scope = sources[source].scope;

	return strcmp(scope, "process") == 0 || strcmp(scope, "socket") == 0;
}

void bound_tighten(struct bound *b, const struct bound *other)
{
	if (other->source == BOUND_NONE)
		return;
	if (b->source == BOUND_NONE || bound_ratio(other) > bound_ratio(b) ||
	    (bound_ratio(other) == bound_ratio(b) && other->limit < b->limit))
		*b = *other;
}
