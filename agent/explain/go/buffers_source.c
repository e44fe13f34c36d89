// SPDX-License-Identifier: GPL-2.0-only
/*
 * The source of buffers that only grow. How far large objects are filled is read from outside, now
 * and then; who fills one that grows is asked of the processor, which is told an address a little
 * ahead of what is filled (probe/watchpoint.h). Between two moves of an array append calls no
 * function, so that no probe on code would see it.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/explain/cost.h"
#include "agent/explain/go/buffers.h"
#include "agent/explain/source.h"
#include "agent/model/go_function.h"
#include "agent/probe/identity.h"
#include "agent/probe/watchpoint.h"
#include "agent/runtime/go/objects.h"
#include "agent/runtime/go/patterns.h"

#define LOOK_PART  0.002 /* of a CPU: looking */
#define STEP_LEAST 0.25	 /* seconds between two looks */
#define AHEAD	   0.3	 /* seconds, at the rate that it is filled at */
#define WRITERS	   8	 /* buffers that are asked who writes to them */
#define TRIES	   4	 /* of one */

/* What is known of who writes to one. */
struct writer {
	const struct gobuffer *buffer; /* in the book, where rows stay */
	unsigned int tries;
	bool seen;
	struct watchpoint_hit hit;
};

struct gobuffers_source {
	const struct explain_options *options;
	struct reader *reader;
	char *module; /* path of the program, escaped */
	struct gobuffers book;
	struct go_buffers reading;
	double due;
	struct writer writers[WRITERS];
	size_t n_writers;
	struct watchpoint *watchpoint; /* NULL: none is set */
	struct writer *watched;	       /* whom it is for */
	uint64_t watched_at;	       /* the address */
	uint64_t windows, hits;
	int refused; /* why no address can be watched here; 0 */
};

static bool gobuffers_wants(const struct explain_options *options)
{
	return options->resource && strcmp(options->resource, "goheap") == 0;
}

static void stop_watching(struct gobuffers_source *s)
{
	watchpoint_free(TAKE_PTR(s->watchpoint));
	s->watched = NULL;
}

static void source_free(void *source)
{
	struct gobuffers_source *s = source;

	if (!s)
		return;
	stop_watching(s);
	free(s->module);
	free(s);
}

static double now(void)
{
	return clock_seconds(CLOCK_MONOTONIC);
}

static int look(struct gobuffers_source *s)
{
	double began = cost_own_seconds(), step = s->options->duration / (GOBUFFERS_LOOKS - 2);
	int r = go_buffers_ask(s->reader, s->options->pid, &s->reading);

	if (r == 0)
		gobuffers_add(&s->book, &s->reading, now());
	s->due = now() + fmax(fmax(step, STEP_LEAST), (cost_own_seconds() - began) / LOOK_PART);
	return r;
}

/* Without it the others say less, and that is all. */
static int source_open(const struct explain_options *options, struct reader *reader, void **ret)
{
	struct gobuffers_source *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	if (!s)
		return -ENOMEM;
	s->options = options;
	s->reader = reader;
	s->module = identity_program(options->pid);
	if (s->module)
		r = look(s);
	if (r < 0) {
		log_debug(r, "gobuffers: nothing can be watched");
		source_free(s);
		return -ENOEXEC;
	}
	*ret = s;
	return 0;
}

static struct writer *writer_get(struct gobuffers_source *s, const struct gobuffer *buffer)
{
	for (size_t i = 0; i < s->n_writers; i++)
		if (s->writers[i].buffer == buffer)
			return &s->writers[i];
	if (s->n_writers == WRITERS)
		return NULL;
	s->writers[s->n_writers] = (struct writer){ .buffer = buffer };
	return &s->writers[s->n_writers++];
}

/* Of those that grow, the one that grows most and whose writer is not known. */
static struct writer *next_writer(struct gobuffers_source *s)
{
	struct writer *best = NULL;

	for (size_t i = 0; i < s->book.n; i++) {
		const struct gobuffer *row = &s->book.rows[i];
		struct writer *w = gobuffer_grows(&s->book, row) ? writer_get(s, row) : NULL;

		if (w && !w->seen && w->tries < TRIES &&
		    (!best || gobuffer_grown(row) > gobuffer_grown(best->buffer)))
			best = w;
	}
	return best;
}

/* Where it will be written to in a moment; 0 when it is full by then. */
static uint64_t place_ahead(const struct gobuffers_source *s, const struct gobuffer *row)
{
	double ahead = AHEAD * gobuffer_rate(&s->book, row);
	uint64_t filled = row->filled[row->last], room = row->bytes - filled, at;

	if (room < 4 * WATCHPOINT_BYTES)
		return 0;
	at = filled + (uint64_t)fmin(fmax(ahead, 2 * WATCHPOINT_BYTES), (double)room / 2);
	return row->address + at / WATCHPOINT_BYTES * WATCHPOINT_BYTES;
}

static void watch_next(struct gobuffers_source *s)
{
	struct writer *w = next_writer(s);
	uint64_t address = w ? place_ahead(s, w->buffer) : 0;
	int r;

	if (!address)
		return;
	r = watchpoint_new(s->options->pid, address, &s->watchpoint);
	if (r < 0) {
		s->refused = r;
		log_debug(r, "gobuffers: no address can be watched");
		return;
	}
	w->tries++;
	s->windows++;
	s->watched = w;
	s->watched_at = address;
}

static bool is_within(const struct gobuffers_source *s, uint64_t bytes)
{
	const struct gobuffer *row = s->watched->buffer;

	return row->last + 1 == s->book.looks && s->watched_at >= row->address &&
	       s->watched_at < row->address + bytes;
}

/* Whoever has the array's beginning at hand counts from there. */
static bool is_from_beginning(const struct writer *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->hit.registers); i++)
		if (w->hit.registers[i] == w->buffer->address)
			return true;
	return false;
}

/*
 * After a look: what was seen holds when the buffer is still there, filled beyond the place. An
 * object that was given back is cleared by whoever gets it next: that is no writer of ours.
 */
static void end_watching(struct gobuffers_source *s)
{
	struct writer *w = s->watched;
	struct gobuffer *row = &s->book.rows[w->buffer - s->book.rows];
	bool passed = is_within(s, row->filled[row->last]);

	w->seen = watchpoint_take(s->watchpoint, &w->hit) && passed;
	s->hits += w->seen;
	if (w->seen && is_from_beginning(w))
		row->whole = true;
	if (w->seen || passed || !is_within(s, row->bytes))
		stop_watching(s);
}

static int source_poll(void *source)
{
	struct gobuffers_source *s = source;
	struct watchpoint_hit hit;
	int r;

	if (now() < s->due && !(s->watched && watchpoint_take(s->watchpoint, &hit)))
		return 0;
	r = look(s);
	if (r == 0 && s->watched)
		end_watching(s);
	if (r == 0 && !s->watched && !s->refused)
		watch_next(s);
	return r == -ESRCH ? r : 0; /* that look is lost */
}

static void source_cost(void *source, struct source_cost *ret)
{
	const struct gobuffers_source *s = source;

	*ret = (struct source_cost){ .hits = s->hits, .windows = s->windows };
}

static void source_detach(void *source)
{
	struct gobuffers_source *s = source;

	if (look(s) == 0 && s->watched)
		end_watching(s);
	stop_watching(s);
}

/* Parts of the runtime that write for whoever calls them. */
static bool writes_for_others(const char *function)
{
	static const char *const names[] = { "runtime.memmove",	  "runtime.memclr",
					     "runtime.duff",	  "runtime.typed",
					     "runtime.growslice", "runtime.wbMove",
					     "runtime.wbZero" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strncmp(function, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static bool has_no_frame(const char *function)
{
	return strncmp(function, "runtime.memmove", strlen("runtime.memmove")) == 0 ||
	       strncmp(function, "runtime.memclr", strlen("runtime.memclr")) == 0;
}

static int name(struct gobuffers_source *s, const struct watchpoint_hit *hit, bool top,
		struct finding *f)
{
	uint64_t pcs[WATCHPOINT_FRAMES + 1];
	size_t n = 0;

	for (size_t i = 0; i < hit->n; i++) {
		pcs[n++] = hit->pcs[i];
		if (i == 0 && top)
			pcs[n++] = hit->top;
	}
	return go_names_ask(s->reader, s->options->pid, s->module, pcs, n, &f->frames,
			    &f->n_frames);
}

static void name_writer(struct gobuffers_source *s, const struct writer *w, struct finding *f)
{
	int r = name(s, &w->hit, false, f);

	if (r == 0 && f->n_frames && has_no_frame(f->frames[0].function)) {
		site_frames_free(TAKE_PTR(f->frames), f->n_frames);
		f->n_frames = 0;
		r = name(s, &w->hit, true, f);
	}
	if (r < 0)
		f->reason = "the stack was lost";
}

/* Its lists of goroutines, timers, and the buffers of channels: told of where they are counted. */
static bool is_runtimes_own(const struct finding *f)
{
	size_t i = 0;

	while (i < f->n_frames && writes_for_others(f->frames[i].function))
		i++;
	return i < f->n_frames && go_function_is_runtime(f->frames[i].function);
}

/* These count from the beginning of their array always (bytes/buffer.go, strings/builder.go). */
static bool is_whole_by_nature(const struct finding *f)
{
	static const char *const owners[] = { "bytes.(*Buffer).", "strings.(*Builder)." };

	for (size_t i = 0; i < f->n_frames && go_function_is_standard(f->frames[i].function); i++)
		for (size_t k = 0; k < ARRAY_SIZE(owners); k++)
			if (strncmp(f->frames[i].function, owners[k], strlen(owners[k])) == 0)
				return true;
	return false;
}

static void name_if_seen(struct gobuffers_source *s, struct gobuffer *row, struct finding *f)
{
	const struct writer *w = writer_get(s, row);

	if (w && w->seen)
		name_writer(s, w, f);
	else
		f->reason = s->refused
				    ? "no address can be watched here, so it is open who fills it"
				    : "nobody was seen filling it";
	row->whole |= is_whole_by_nature(f);
}

static void tell(const struct gobuffers_source *s, const struct gobuffer *row, struct finding *f)
{
	char bytes[32], filled[32], grown[32];
	bool sure = gobuffer_keeps(&s->book, row);

	f->resource = "goheap";
	f->kind = "buffer";
	f->live = 1;
	f->live_bytes = row->bytes;
	text_format_bytes((double)row->bytes, bytes, sizeof(bytes));
	text_format_bytes((double)row->filled[row->last], filled, sizeof(filled));
	text_format_bytes((double)gobuffer_grown(row), grown, sizeof(grown));
	snprintf(f->evidence, sizeof(f->evidence),
		 "one object of %s is filled further and further, by %s to %s%s", bytes, grown,
		 filled,
		 sure ? ", and nothing is dropped from it"
		      : "; whether its beginning is still in use is not known");
	if (!sure)
		return;
	f->verdict = SITE_KEEPS;
	f->pattern = f->n_frames ? "unbounded-buffer" : NULL;
	f->growth_bytes_per_hour = gobuffer_rate(&s->book, row) * 3600;
}

static int source_findings(void *source, double seconds, struct findings *ret)
{
	struct gobuffers_source *s = source;

	for (size_t i = 0; i < s->book.n; i++) {
		struct gobuffer *row = &s->book.rows[i];
		struct finding *f;

		if (!gobuffer_grows(&s->book, row))
			continue;
		f = findings_add(ret);
		if (!f)
			return -ENOMEM;
		name_if_seen(s, row, f);
		tell(s, row, f);
		if (is_runtimes_own(f))
			findings_drop_last(ret);
	}
	return 0;
}

const struct source source_gobuffers = {
	.name = "gobuffers",
	.wants = gobuffers_wants,
	.open = source_open,
	.poll = source_poll,
	.cost = source_cost,
	.detach = source_detach,
	.findings = source_findings,
	.free = source_free,
};
