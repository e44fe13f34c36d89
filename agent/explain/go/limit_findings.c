// SPDX-License-Identifier: GPL-2.0-only
/* The memory limit of a Go program, and who sets it: by the calls in its code, since a call that
 * was made before the watch leaves nothing else behind. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/explain/bounds.h"
#include "agent/explain/go/source.h"
#include "agent/explain/go/limit.h"
#include "agent/model/go_function.h"
#include "agent/runtime/go/objects.h"

static uint64_t cgroup_limit(pid_t pid)
{
	struct explain_bounds bounds;

	explain_bounds_read(pid, &bounds);
	return bounds.bounds[SLOT_MEMORY].source == BOUND_CGROUP_MEMORY_MAX
		       ? bounds.bounds[SLOT_MEMORY].limit
		       : 0;
}

static struct golimit_watch watch_of(const struct go_source *s)
{
	const struct gocollector *w = &s->collector;

	return (struct golimit_watch){ .limit_before = w->first.c.memory_limit,
				       .limit = w->last.c.memory_limit,
				       .from_environment = w->from_environment,
				       .heap_before = w->before.c.heap_live,
				       .marked = w->last.c.heap_marked,
				       .percent = w->last.c.percent,
				       .cycles = gocollector_cycles(w),
				       .allocated = gocollector_allocated(w),
				       .cgroup = cgroup_limit(s->options->pid) };
}

/* How likely it is that this call set the limit; 0: it only asks for it, or sets another. */
static int weight(const struct go_caller *c, uint64_t limit, const struct finding *named)
{
	bool own = named->n_frames && !go_function_is_standard(finding_frame(named)->function);

	if (c->known && (uint64_t)c->argument != limit)
		return 0;
	return 1 + own + (c->known ? 2 : 0);
}

/* Leaves in the finding the frames of the call that is the likeliest. */
static void name_setter(const struct go_source *s, uint64_t limit, struct finding *f)
{
	struct go_callers callers;
	int best = 0;
	int r = go_callers_ask(s->reader, s->options->pid, GO_CALLEE_MEMORY_LIMIT, &callers);

	for (uint32_t i = 0; r == 0 && i < callers.n; i++) {
		struct finding named = { .resource = "goheap" };
		int w;

		if (go_names_ask(s->reader, s->options->pid, s->module, &callers.rows[i].pc, 1,
				 &named.frames, &named.n_frames) < 0)
			continue;
		w = weight(&callers.rows[i], limit, &named);
		if (w > best) {
			site_frames_free(f->frames, f->n_frames);
			f->frames = named.frames;
			f->n_frames = named.n_frames;
			best = w;
		} else {
			site_frames_free(named.frames, named.n_frames);
		}
	}
	if (!best)
		f->reason = "set by a call that its code does not show";
}

int go_findings_collector(const struct go_source *s, struct findings *ret)
{
	const struct gocollector *c = &s->collector;
	struct golimit_watch w;
	enum golimit_fault fault;
	struct finding *f;

	if (c->points < 2)
		return 0;
	w = watch_of(s);
	fault = golimit_judge(&w);
	if (fault == GOLIMIT_FINE)
		return 0;
	f = findings_add(ret);
	if (!f)
		return -ENOMEM;
	f->resource = "gc";
	f->pattern = fault == GOLIMIT_TOO_LOW ? "outgrown-memory-limit" : "late-memory-limit";
	f->verdict = SITE_KEEPS;
	f->live = 1;
	f->live_bytes = w.marked;
	f->growth_per_hour = f->growth_bytes_per_hour = 0;
	golimit_tell(&w, fault, gocollector_seconds(c), gocollector_share(c), f->evidence,
		     sizeof(f->evidence));
	f->bound = fault == GOLIMIT_NEVER_SET ? w.cgroup : w.limit;
	f->bound_source = bound_source_name(fault == GOLIMIT_NEVER_SET ? BOUND_CGROUP_MEMORY_MAX
								       : BOUND_GO_MEMORY_LIMIT);
	if (w.limit == GOLIMIT_NONE)
		f->reason = "no limit has been set yet";
	else if (fault == GOLIMIT_TOO_LOW)
		f->reason = "set by GOMEMLIMIT when it started";
	else
		name_setter(s, w.limit, f);
	return 0;
}
