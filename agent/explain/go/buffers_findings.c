// SPDX-License-Identifier: GPL-2.0-only
/* What is told of buffers that only grow: of each large one, and of many small ones together. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/explain/go/births.h"
#include "agent/explain/go/buffers_source.h"
#include "agent/explain/looks.h"
#include "agent/model/go_function.h"
#include "agent/runtime/go/objects.h"
#include "agent/runtime/go/patterns.h"

#define FILLING_LEAST 4	    /* objects of the sample: fewer are chance */
#define RISE_LEAST    65536 /* bytes of the heap */
#define RISE_LOOKS    4	    /* since the first collection */
#define EXPLAINED     0.5   /* of the heap's growth, by what else was found to be kept */

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

static void name_writer(struct gobuffers_source *s, const struct gobuffers_writer *w,
			struct finding *f)
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

/* NULL while nobody was seen. */
static const struct gobuffers_writer *find_writer(const struct gobuffers_source *s,
						  const struct gobuffer *row)
{
	for (size_t i = 0; i < s->n_writers; i++)
		if (s->writers[i].buffer == row && s->writers[i].seen)
			return &s->writers[i];
	return NULL;
}

static void name_if_seen(struct gobuffers_source *s, struct gobuffer *row, struct finding *f)
{
	const struct gobuffers_writer *w = find_writer(s, row);

	if (w)
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

static int add_single(struct gobuffers_source *s, struct findings *ret)
{
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

/* Bytes that a site of the heap kept in the watch, at most: what it is said to grow by is its part
 * of what the heap grew by, and all of it where nobody else was found. */
static double kept_by(const struct finding *f, double seconds)
{
	double seen = (double)f->live_bytes * f->sampled;

	if (f->verdict != SITE_KEEPS || strcmp(f->resource, "goheap") != 0 ||
	    !(f->growth_bytes_per_hour > 0))
		return 0;
	return fmin(seen, f->growth_bytes_per_hour / 3600 * seconds);
}

static double kept_elsewhere(const struct findings *list, double seconds)
{
	double kept = 0;

	for (size_t i = 0; i < list->n; i++)
		kept += kept_by(&list->rows[i], seconds);
	return kept;
}

/*
 * Arrays that fill can be dropped when they are full, and others begun. But where the heap grows
 * all the while, and nothing else was found that keeps so much, they are what grows; as far as
 * there are so many bytes of them, by their part of the sample.
 */
static bool heap_grows_by_them(const struct gobuffers_source *s, const struct findings *list)
{
	const struct gobuffers *b = &s->sample;
	unsigned int first = 0, last = b->looks - 1;
	double grown;

	while (first < b->looks && !s->marked[first])
		first++;
	if (b->looks < first + RISE_LOOKS ||
	    !looks_rise(b->at + first, s->marked + first, b->looks - first, RISE_LEAST))
		return false;
	grown = (double)s->marked[last] - (double)s->marked[first];
	return gobuffers_explain(b, (double)s->marked[last], grown) &&
	       kept_elsewhere(list, b->at[last] - b->at[first]) < EXPLAINED * grown;
}

/* The finding from the row first on that is of the same place; NULL when there is none. */
static struct finding *find_same(struct findings *list, size_t first, const struct finding *f)
{
	const struct site_frame *frame = finding_frame(f), *other;

	for (size_t i = first; frame && i < list->n; i++) {
		other = &list->rows[i] == f ? NULL : finding_frame(&list->rows[i]);
		if (other && other->line == frame->line &&
		    strcmp(other->function, frame->function) == 0)
			return &list->rows[i];
	}
	return NULL;
}

/* One that is told by itself is part of no crowd. */
static bool is_of_crowd(const struct gobuffers_source *s, const struct gobuffers_writer *w)
{
	if (w->book != &s->sample || !w->seen)
		return false;
	for (size_t i = 0; i < s->book.n; i++)
		if (s->book.rows[i].address == w->buffer->address &&
		    gobuffer_grows(&s->book, &s->book.rows[i]))
			return false;
	return true;
}

/* Those that were seen being filled at one place are one finding, of the row first or after it. */
static int add_writer(struct gobuffers_source *s, const struct gobuffers_writer *w, size_t first,
		      struct findings *list)
{
	struct finding *f = findings_add(list), *same;

	if (!f)
		return -ENOMEM;
	f->resource = "goheap";
	f->kind = "buffer";
	name_writer(s, w, f);
	same = find_same(list, first, f);
	if (same || !f->n_frames || is_runtimes_own(f)) {
		findings_drop_last(list);
		f = same;
	}
	if (f) {
		f->live++;
		f->live_bytes += w->buffer->bytes;
	}
	return 0;
}

/* The program's own function that fills; NULL when only the library's are on the stack. */
static const char *filling_function(const struct finding *f)
{
	const struct site_frame *frame = finding_frame(f);

	return frame && !go_function_is_standard(frame->function) ? frame->function : NULL;
}

static void tell_sample(const struct gobuffers_source *s, bool grows, const struct findings *list,
			struct finding *f)
{
	const struct gobuffers *b = &s->sample;
	bool stay = goheap_keeps_in(list, filling_function(f));

	snprintf(f->evidence, sizeof(f->evidence),
		 "of %zu objects that were looked at, a sample by bytes, %zu are arrays that are "
		 "filled further and further; of %" PRIu64
		 " it was seen that they are filled here%s",
		 gobuffers_count(b, gobuffer_is_current), gobuffers_count(b, gobuffer_fills),
		 f->live,
		 stay	 ? ", and those that are made here stay"
		 : grows ? ", and the heap grows by nothing else that was found"
			 : "; whether they are dropped when they are full is open");
	if (!stay && !grows)
		return;
	f->verdict = SITE_KEEPS;
	f->pattern = "unbounded-buffer";
}

/* Many arrays that each grow a little: slices in a map, a buffer for each connection. */
static int add_sample(struct gobuffers_source *s, struct findings *list)
{
	bool grows = heap_grows_by_them(s, list);
	size_t first = list->n;
	int r = 0;

	if (gobuffers_count(&s->sample, gobuffer_fills) < FILLING_LEAST)
		return 0;
	for (size_t i = 0; i < s->n_writers && r == 0; i++)
		if (is_of_crowd(s, &s->writers[i]))
			r = add_writer(s, &s->writers[i], first, list);
	for (size_t i = first; i < list->n; i++)
		tell_sample(s, grows, list, &list->rows[i]);
	return r;
}

int gobuffers_findings(struct gobuffers_source *s, struct findings *ret)
{
	int r = add_single(s, ret);

	return r == 0 ? add_sample(s, ret) : r;
}
