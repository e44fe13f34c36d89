// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/explain/go/spawns.h"

#define LEVELS 3   /* goroutines that started each other */
#define MARGIN 0.2 /* of what a go statement starts: windows see some of it */

/* Those from the nth on come first. */
static void rotate(struct site_frame *frames, size_t all, size_t n)
{
	struct site_frame later[SITE_FRAMES];

	memcpy(later, frames + n, (all - n) * sizeof(*frames));
	memmove(frames + (all - n), frames, n * sizeof(*frames));
	memcpy(frames, later, (all - n) * sizeof(*frames));
}

int gospawns_add(void *spawns, uint64_t address, const struct survivor_birth *birth)
{
	struct gospawns *s = spawns;

	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].key == birth->key)
			return 0;
	if (s->n < GOSPAWNS_MAX && birth->key != SURVIVOR_KEY_OTHER)
		s->rows[s->n++] = (struct gospawn){ .key = birth->key };
	return 0;
}

void gospawns_clear(struct gospawns *s)
{
	for (size_t i = 0; i < s->n; i++)
		site_frames_free(s->rows[i].frames, s->rows[i].n_frames);
	*s = (struct gospawns){ 0 };
}

/* The function that holds the go statement, into which others may be inlined. */
static const char *statement_function(const struct gospawn *s)
{
	const char *name = NULL;

	for (size_t i = 0; i < s->n_frames && s->frames[i].pc == s->frames[0].pc; i++)
		name = s->frames[i].function;
	return name;
}

/* The compiler names what a go statement runs, or wraps a call with arguments in, by the function
 * that it stands in: f.func1, f.gowrap2, and f.func1.1 within the first. */
static bool is_closure_of(const char *function, const char *parent)
{
	static const char *const words[] = { "func", "gowrap", "deferwrap" };
	size_t n = strlen(parent);

	if (strncmp(function, parent, n) != 0 || function[n] != '.')
		return false;
	function += n + 1;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strncmp(function, words[i], strlen(words[i])) == 0) {
			function += strlen(words[i]);
			break;
		}
	return *function && strspn(function, "0123456789") == strlen(function);
}

const char *gospawns_first_function(const struct finding *f)
{
	if (f->n_frames < 2 || strcmp(f->frames[f->n_frames - 1].function, "runtime.goexit") != 0)
		return NULL;
	return f->frames[f->n_frames - 2].function;
}

/* Which go statement is asked for: by its address, or by what it runs; or who took connections from
 * their server. */
struct statement {
	uint64_t pc;
	const char *runs;
	bool takes;
};

/* The server's own goroutine would close the connection that it serves. */
static bool takes_connection(const struct gospawn *s)
{
	return strcmp(s->frames[0].function, "net/http.(*response).Hijack") == 0;
}

/* A connection that a server of net/http accepted. */
static bool is_served(const struct finding *f)
{
	if (strcmp(f->resource, "fd") != 0 && strcmp(f->resource, "tcp") != 0)
		return false;
	for (size_t i = 0; i < f->n_frames; i++)
		if (strcmp(f->frames[i].function, "net/http.(*Server).Serve") == 0)
			return true;
	return false;
}

static bool is_from(const struct gospawn *s, const struct statement *q)
{
	const char *function;

	if (q->takes || takes_connection(s))
		return q->takes && takes_connection(s);
	if (!q->runs)
		return s->pc == q->pc;
	function = statement_function(s);
	return function && is_closure_of(q->runs, function);
}

/* How many of those that it takes a finding keeps, against so many goroutines that were started. */
static double kept_part(const struct finding *f, double seconds, double started)
{
	double grown = f->growth_per_hour * seconds / 3600;
	double left = f->created > f->destroyed ? (double)(f->created - f->destroyed) : 0;

	if (isnan(grown)) /* seen in windows, as its goroutines were */
		return f->created ? left / (double)f->created : 0;
	return fmin(1, grown / started);
}

/* What is kept is more than all that others started, so some of it is of those. */
static bool is_sure(double share, double kept)
{
	return kept > 1 - share + MARGIN;
}

static const struct gospawn *find(const struct gospawns *s, const struct statement *q,
				  const struct finding *f, double seconds)
{
	const struct gospawn *most = NULL;
	double started = 0, all;

	for (size_t i = 0; i < s->n; i++) {
		if (!s->rows[i].n_frames || !is_from(&s->rows[i], q))
			continue;
		started += (double)s->rows[i].started;
		if (!most || s->rows[i].started > most->started)
			most = &s->rows[i];
	}
	if (!most || most->started == 0 || s->watched <= 0)
		return NULL;
	all = started * fmax(1, seconds / s->watched);
	return is_sure((double)most->started / started, kept_part(f, seconds, all)) ? most : NULL;
}

static int append(struct finding *f, const struct gospawn *s)
{
	size_t room = SITE_FRAMES - f->n_frames, n = s->n_frames < room ? s->n_frames : room;
	struct site_frame *frames, *copy;
	int r;

	frames = reallocarray(f->frames, f->n_frames + n, sizeof(*frames));
	if (!frames)
		return -ENOMEM;
	f->frames = frames;
	r = site_frames_copy(s->frames, n, &copy);
	if (r < 0)
		return r;
	memcpy(frames + f->n_frames, copy, n * sizeof(*copy));
	f->n_frames += n;
	free(copy); /* its strings have moved */
	return 0;
}

/* Before who accepts, which is the server itself for all. */
static int prepend_taker(const struct gospawns *s, double seconds, struct finding *f)
{
	const struct statement q = { .takes = true };
	const struct gospawn *by = find(s, &q, f, seconds);
	size_t n = f->n_frames;
	int r = by && n < SITE_FRAMES ? append(f, by) : 0;

	if (r < 0 || f->n_frames == n)
		return r;
	rotate(f->frames, f->n_frames, n);
	if (!*f->evidence)
		snprintf(f->evidence, sizeof(f->evidence),
			 "taken from the server that accepted it, by who stands first here");
	return 0;
}

int gospawns_extend(const struct gospawns *s, double seconds, struct finding *f)
{
	if (is_served(f))
		return prepend_taker(s, seconds, f);
	for (int level = 0; level < LEVELS && f->n_frames && f->n_frames < SITE_FRAMES; level++) {
		struct statement q = { .runs = gospawns_first_function(f) };
		const struct gospawn *by;
		int r;

		if (level == 0 && strcmp(f->resource, "goroutine") == 0)
			q = (struct statement){ .pc = f->frames[0].pc };
		else if (!q.runs)
			return 0;
		by = find(s, &q, f, seconds);
		if (!by)
			return 0;
		r = append(f, by);
		if (r < 0)
			return r;
	}
	return 0;
}
