// SPDX-License-Identifier: GPL-2.0-only
/*
 * The source of buffers that only grow. How far the largest objects, and a sample of all, are
 * filled is read from outside, now and then; who fills one that grows is asked of the processor,
 * which is told an address a little ahead of what is filled (probe/watchpoint.h). Between two moves
 * of an array append calls no function, so that no probe on code would see it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/explain/cost.h"
#include "agent/explain/go/buffers_source.h"
#include "agent/explain/source.h"
#include "agent/probe/identity.h"

#define LOOK_PART  0.002 /* of a CPU: looking */
#define STEP_LEAST 0.25	 /* seconds between two looks */
#define AHEAD	   0.3	 /* seconds, at the rate that it is filled at */
#define TRIES	   4	 /* of one */

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
	struct go_buffers *b = &s->reading;
	int r = go_buffers_ask(s->reader, s->options->pid, b);

	if (r == 0) {
		/* Objects of the sample are followed where they are: a copy is not in it. */
		for (uint32_t i = b->largest; i < b->n; i++)
			b->rows[i].head = 0;
		if (s->sample.looks < GOBUFFERS_LOOKS)
			s->marked[s->sample.looks] = b->heap_marked;
		gobuffers_add(&s->book, b->rows, b->largest, now());
		gobuffers_add(&s->sample, b->rows + b->largest, b->n - b->largest, now());
	}
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

static struct gobuffers_writer *writer_get(struct gobuffers_source *s, struct gobuffers *book,
					   const struct gobuffer *buffer)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_writers; i++) {
		if (s->writers[i].buffer == buffer)
			return &s->writers[i];
		n += s->writers[i].book == book;
	}
	if (n == GOBUFFERS_WRITERS)
		return NULL;
	s->writers[s->n_writers] = (struct gobuffers_writer){ .book = book, .buffer = buffer };
	return &s->writers[s->n_writers++];
}

/* Of those that grow, the one that grows most and whose writer is not known. */
static struct gobuffers_writer *next_writer(struct gobuffers_source *s, struct gobuffers *book,
					    bool (*grows)(const struct gobuffers *,
							  const struct gobuffer *))
{
	struct gobuffers_writer *best = NULL;

	for (size_t i = 0; i < book->n; i++) {
		const struct gobuffer *row = &book->rows[i];
		struct gobuffers_writer *w = grows(book, row) ? writer_get(s, book, row) : NULL;

		if (w && !w->seen && w->tries < TRIES &&
		    (!best || gobuffer_grown(row) > gobuffer_grown(best->buffer)))
			best = w;
	}
	return best;
}

/* Where it will be written to in a moment; 0 when it is full by then. */
static uint64_t place_ahead(const struct gobuffers *book, const struct gobuffer *row)
{
	double ahead = AHEAD * gobuffer_rate(book, row);
	uint64_t filled = row->filled[row->last], room = row->bytes - filled, at;

	if (room < 4 * WATCHPOINT_BYTES)
		return 0;
	at = filled + (uint64_t)fmin(fmax(ahead, 2 * WATCHPOINT_BYTES), (double)room / 2);
	return row->address + at / WATCHPOINT_BYTES * WATCHPOINT_BYTES;
}

static void watch_next(struct gobuffers_source *s)
{
	struct gobuffers_writer *w = next_writer(s, &s->book, gobuffer_grows);
	uint64_t address = 0;
	int r;

	if (!w)
		w = next_writer(s, &s->sample, gobuffer_fills);
	if (w)
		address = place_ahead(w->book, w->buffer);
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

	return gobuffer_is_current(s->watched->book, row) && s->watched_at >= row->address &&
	       s->watched_at < row->address + bytes;
}

/* Whoever has the array's beginning at hand counts from there. */
static bool is_from_beginning(const struct gobuffers_writer *w)
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
	struct gobuffers_writer *w = s->watched;
	struct gobuffer *row = &w->book->rows[w->buffer - w->book->rows];
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

static int source_findings(void *source, double seconds, struct findings *ret)
{
	return gobuffers_findings(source, ret);
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
