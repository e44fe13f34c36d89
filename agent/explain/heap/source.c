// SPDX-License-Identifier: GPL-2.0-only
/* The source of allocations: by windows with survivors, or exact for as long as it may cost. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/explain/heap/source.h"
#include "agent/explain/resident.h"
#include "agent/sites/reader.h"

#define OWN_PART 0.4 /* of the budget: seep's own CPU time, the rest is for the process */

static bool heap_wants(const struct explain_options *options)
{
	return options->resource && strcmp(options->resource, "heap") == 0;
}

static void source_free(void *source)
{
	struct heap_source *s = source;

	if (!s)
		return;
	heap_free(s->heap);
	naming_clear(&s->naming);
	free(s);
}

/* A return probe writes into the stack, which Go moves. Of what C code in it takes, results are
 * seen elsewhere, once it is known where (heap_returns.h). */
static int find_go(struct heap_source *s)
{
	const struct explain_options *options = s->options;
	struct reader *reader = s->reader;
	int r = reader_has_section(reader, options->pid, ".go.buildinfo");

	if (r == 0)
		r = reader_has_section(reader, options->pid, ".note.go.buildid");
	if (r < 0)
		return log_error(r, "heap: cannot read the executable of process %d", options->pid);
	s->go = r > 0;
	if (s->go && options->exact)
		return log_error(-EOPNOTSUPP,
				 "heap: process %d is a Go program, which return probes would "
				 "crash; without them calls are seen in windows, not all",
				 options->pid);
	return 0;
}

/* What Go allocates itself is no business of malloc. */
static int refuse_pure_go(const struct heap_source *s)
{
	return log_error(-EOPNOTSUPP,
			 "heap: process %d is a Go program without C code; its heap is the "
			 "resource goheap",
			 s->options->pid);
}

/* Whether the process has a system call filter, by its status. */
static bool has_filter(pid_t pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[256];
	int mode = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Seccomp: %d", &mode) == 1)
			return mode != 0;
	return false;
}

static int refuse_filtered(const struct heap_source *s)
{
	pid_t pid = s->options->pid;

	if (s->go || !has_filter(pid) || uprobe_survives_filter(s->host.rung) > 0)
		return 0;
	return log_error(-EOPNOTSUPP,
			 "heap: process %d filters its system calls, and this kernel's return "
			 "probes would end it",
			 pid);
}

static int find_heap(struct heap_source *s)
{
	const struct explain_options *o = s->options;
	struct heap_options options = { .pid = o->pid,
					.alloc_function = o->alloc_function,
					.free_function = o->free_function,
					.exact = o->exact,
					.at_callers = s->go,
					.host = s->host,
					.reader = s->reader };
	int r = heap_new(&options, &s->heap);

	if (r < 0 && reader_lost(s->reader, LOSS_TIMEOUT))
		return log_error(r == -ENOENT ? -ETIMEDOUT : r,
				 "heap: process %d does not let its mappings or its files be read",
				 o->pid);
	if (r == -ENOENT && s->go)
		return refuse_pure_go(s);
	if (r == -ENOENT && o->alloc_function)
		return log_error(0, "heap: process %d has no functions %s and %s", o->pid,
				 o->alloc_function, o->free_function),
		       r;
	if (r == -ENOENT)
		return log_error(0,
				 "heap: process %d has no malloc and free; name its own by "
				 "--alloc-fn "
				 "and --free-fn",
				 o->pid),
		       r;
	if (r < 0)
		return log_error(r, "heap: cannot watch process %d", o->pid);
	log_debug(0, "heap: %s by %s", heap_allocator(s->heap), uprobe_rung_name(s->host.rung));
	return 0;
}

static int start(struct heap_source *s)
{
	int r;

	r = uprobe_calibrate(&s->host);
	if (r < 0)
		return log_error(r, "heap: this kernel has no user probes");
	r = refuse_filtered(s);
	if (r == 0)
		r = find_heap(s);
	if (r < 0)
		return r;
	r = -clock_getcpuclockid(s->options->pid, &s->cpu_clock);
	s->cpu_began = heap_source_cpu(s);
	s->resident = resident_private(s->options->pid);
	if (r == 0 && s->options->exact)
		r = heap_estimate(s);
	if (r == 0 && s->options->exact)
		r = windows_begin(&s->windows);
	if (r == 0 && s->options->exact)
		log_info("heap: counting every call from here on");
	return r < 0 ? log_error(r, "heap: cannot attach to process %d", s->options->pid) : 0;
}

static int source_open(const struct explain_options *options, struct reader *reader, void **ret)
{
	struct heap_source *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->options = options;
	s->reader = reader;
	s->windows = (struct windows){ .ops = &heap_window_ops,
				       .context = s,
				       .duration = options->duration,
				       .share = options->budget * (1 - OWN_PART) };
	naming_init(&s->naming, reader, options->pid);
	r = find_go(s);
	if (r == 0)
		r = start(s);
	if (r < 0) {
		source_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

/* Exact counting ends as soon as its hits have cost what they may. */
static int source_poll(void *source)
{
	struct heap_source *s = source;
	struct heap_counts counts;
	int r;

	if (!s->options->exact)
		return windows_poll(&s->windows);
	r = heap_poll(s->heap);
	if (r == 0 && heap_source_cost(s, &counts) > s->options->budget * s->options->duration)
		r = -EDQUOT;
	return r;
}

static void source_cost(void *source, struct source_cost *ret)
{
	struct heap_source *s = source;
	struct heap_counts counts;

	*ret = (struct source_cost){ .windows = s->windows.n };
	ret->seconds = heap_source_cost(s, &counts);
	ret->hits = counts.values[HEAP_HITS];
	memcpy(ret->lost, counts.lost, sizeof(ret->lost));
	ret->lost[LOSS_ATTACH_FAILED] += s->windows.refused;
}

static void source_detach(void *source)
{
	struct heap_source *s = source;

	windows_end(&s->windows);
	s->resident_end = resident_private(s->options->pid);
}

static int source_findings(void *source, double seconds, struct findings *ret)
{
	return heap_findings(source, seconds, ret);
}

const struct source source_heap = {
	.name = "heap",
	.wants = heap_wants,
	.open = source_open,
	.poll = source_poll,
	.cost = source_cost,
	.detach = source_detach,
	.findings = source_findings,
	.free = source_free,
};
