/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Known mistakes by what a report shows of them. A new pattern is a function and a row in the table
 * of patterns.c, in order of precedence: where several fit, the first names the finding.
 */
#pragma once

#include "agent/model/finding.h"
#include "agent/runtime/go/report.h"

/* What is known of one site. */
struct go_evidence {
	const struct go_report *report; /* the last one */
	const struct go_group *group;	/* its goroutines, or NULL */
	const struct go_timer *timer;	/* or its timers, or NULL */
	bool keeps;			/* the verdict of the watch */
	uint64_t ended;			/* during it, of those that were no passing work */
	uint64_t freed;			/* during it, of those that waited for others */
	uint64_t live, grown;		/* objects, and how many more since the watch began */
	int64_t goroutines_grown;	/* in all of the program, since the watch began */
	int64_t heap_grown; /* bytes that the collector found alive, since the watch began */
};

/* Whether the runtime's word for a wait means: for as long as others do not act. */
bool go_waits_for_others(const char *wait);

/*
 * Whether they wait for requests at a server of the library, and so few came during the watch that
 * no more can be said: clients that keep more of them to use again look as those that hang.
 */
bool go_serves_few_more(const struct go_evidence *e);

/* *ret_pattern: the name, static, or NULL; ret_also: further ones, ended by NULL. */
void go_patterns_find(const struct go_evidence *e, const char **ret_pattern,
		      const char *ret_also[FINDING_ALSO]);

/* The function that allocates, if it is the program's own. NULL when the standard library does: a
 * server that decodes what it is asked has no line of its own to change. */
const char *go_allocating_function(const struct finding *f);

/*
 * The pattern of objects that are kept, by the function of the standard library that the program
 * called for them: a context that its parent keeps until it is cancelled, a sync.Map or a register
 * of the library that takes what it does not give back. NULL for any other.
 */
const char *go_pattern_of_keeper(const struct finding *f);

/* The same of objects that the program's heap profile tells of: there the parts of a map that grows
 * are objects of the function that assigns to it. */
const char *go_pattern_of_growth(const struct finding *f);
