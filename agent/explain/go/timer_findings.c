// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who makes the timers that stay. The runtime does not record it; a window on where timers are
 * started saw the address and the stack, and a look into the heaps of timers tells which still
 * wait.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/message.h"
#include "agent/explain/go/births.h"
#include "agent/explain/heap_verdict.h"
#include "agent/model/go_function.h"

#define GROWN_LEAST 8	 /* timers */
#define GROWN_PART  0.05 /* of those that there are */
#define WAITED_FOR  2	 /* timers that a goroutine may wait for at once */
#define PILE_LEAST  50	 /* timers beside those: more than anybody waits for */

/* By what the program called, innermost first; a context is told before the timer in it. */
static const struct {
	const char *function, *kind, *pattern;
} makers[] = {
	{ "context.", "context", "context-not-cancelled" },
	{ "time.NewTicker", "ticker", "unstopped-ticker" },
	{ "time.Tick", "ticker", "unstopped-ticker" },
	{ "time.After", "once", "timer-per-iteration" },
	{ "time.NewTimer", "once", "timer-not-stopped" },
	{ "time.AfterFunc", "callback", "timer-not-stopped" },
};

static bool is_maker(const char *function, size_t maker)
{
	const char *name = makers[maker].function;

	return name[strlen(name) - 1] == '.' ? strncmp(function, name, strlen(name)) == 0
					     : strcmp(function, name) == 0;
}

/* Of all frames of the standard library at the top of the stack, the first row that fits. Negative
 * for a timer of another kind: of time.Sleep, of a connection's deadline, one that was reset. */
static int find_maker(const struct finding *f)
{
	size_t n = 0;

	while (n < f->n_frames && go_function_is_standard(f->frames[n].function))
		n++;
	for (size_t maker = 0; maker < ARRAY_SIZE(makers); maker++)
		for (size_t i = 0; i < n; i++)
			if (is_maker(f->frames[i].function, maker))
				return (int)maker;
	return -ENOENT;
}

static bool sends_on_channel(const char *kind)
{
	return strcmp(kind, "ticker") == 0 || strcmp(kind, "once") == 0;
}

/* There are more than before, or more than goroutines could wait for. Where goroutines came with
 * them, as sessions do in a program that warms up, timers that send on a channel are waited for: if
 * such a goroutine stays, it is told itself. */
static bool are_too_many(const struct gobirths *s, const char *kind)
{
	double before = (double)s->timers_first.timers, after = (double)s->timers_last.timers;
	double waiting = WAITED_FOR *
			 ((double)s->timers_last.goroutines - (double)s->timers_first.goroutines);
	double more = after - before - (sends_on_channel(kind) ? fmax(waiting, 0) : 0);

	return (more >= GROWN_LEAST && more >= before * GROWN_PART) ||
	       s->timers_last.timers > PILE_LEAST + WAITED_FOR * s->timers_last.goroutines;
}

static void drop_last(struct findings *list)
{
	struct finding *f = &list->rows[--list->n];

	site_frames_free(f->frames, f->n_frames);
}

static int add_finding(struct gobirths *s, const struct survivor_row *row,
		       enum site_verdict verdict, struct findings *list)
{
	const struct heap_site *site = &row->site;
	struct finding *f = findings_add(list);
	int maker;

	if (!f)
		return -ENOMEM;
	f->resource = "gotimer";
	f->verdict = verdict;
	f->live = site->live;
	f->created = site->sums.created;
	f->destroyed = site->sums.destroyed;
	if (site->oldest)
		f->oldest = (double)(monotonic_ns() - site->oldest) / 1e9;
	gobirths_name(s, GO_BIRTHS_TIMERS, row->key, f);
	maker = find_maker(f);
	if (maker < 0) {
		drop_last(list);
		return 0;
	}
	f->kind = makers[maker].kind;
	if (f->verdict == SITE_KEEPS && !are_too_many(s, f->kind))
		f->verdict = SITE_UNDECIDED;
	if (f->verdict == SITE_KEEPS)
		f->pattern = makers[maker].pattern;
	return 0;
}

int gotimer_findings(struct gobirths *s, double seconds, struct findings *ret)
{
	_cleanup_free_ struct survivor_row *rows = NULL;
	_cleanup_free_ struct heap_site *sites = NULL;
	_cleanup_free_ enum site_verdict *verdicts = NULL;
	struct heap_watch watch = { .fates = true, .work = 1 };
	size_t n;
	int r = survivors_rows(s->timers, s->began, &rows, &n);

	if (r < 0)
		return r;
	sites = calloc(n + 1, sizeof(*sites));
	verdicts = calloc(n + 1, sizeof(*verdicts));
	if (!sites || !verdicts)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		sites[i] = rows[i].site;
	heap_judge(&watch, sites, n, verdicts);
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_finding(s, &rows[i], verdicts[i], ret);
	return r;
}
