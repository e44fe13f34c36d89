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
#include "agent/explain/go/timers.h"
#include "agent/explain/heap_verdict.h"
#include "agent/model/go_function.h"

#define GROWN_LEAST 8	 /* timers */
#define GROWN_PART  0.05 /* of those that there are */
#define GROWN_SITE  0.5	 /* of those that the site made and that stay */
#define WAITED_FOR  2	 /* timers that a goroutine may wait for at once */
#define PILE_LEAST  50	 /* timers beside those: more than anybody waits for */

#define MAKER_CALLBACK 5

/* By what the program called, innermost first; a context is told before the timer in it. */
static const struct {
	const char *function, *kind, *pattern;
} makers[] = {
	{ "context.", "context", "context-not-cancelled" },
	{ "time.NewTicker", "ticker", "unstopped-ticker" },
	{ "time.Tick", "ticker", "unstopped-ticker" },
	{ "time.After", "once", "timer-per-iteration" },
	{ "time.NewTimer", "once", "timer-not-stopped" },
	[MAKER_CALLBACK] = { "time.AfterFunc", "callback", "timer-not-stopped" },
};

static bool is_maker(const char *function, size_t maker)
{
	const char *name = makers[maker].function;

	return name[strlen(name) - 1] == '.' ? strncmp(function, name, strlen(name)) == 0
					     : strcmp(function, name) == 0;
}

/* Of all frames of the standard library at the top of the stack, n of them, the first row that
 * fits. Negative for a timer of another kind. */
static int find_maker(const struct finding *f, size_t n)
{
	for (size_t maker = 0; maker < ARRAY_SIZE(makers); maker++)
		for (size_t i = 0; i < n; i++)
			if (is_maker(f->frames[i].function, maker))
				return (int)maker;
	return -ENOENT;
}

static bool is_callback(const char *kind)
{
	return strcmp(kind, "callback") == 0;
}

bool gotimer_sends(const char *kind)
{
	return strcmp(kind, "ticker") == 0 || strcmp(kind, "once") == 0;
}

/* What the library starts for itself, as to end idle connections, is bound to what it ends, which
 * is told by itself. n: frames of the library at the top of the stack. */
static bool is_of_library(const struct finding *f, size_t n)
{
	return is_callback(f->kind) && n && !is_maker(f->frames[n - 1].function, MAKER_CALLBACK);
}

/*
 * There are more than before, and as many more as the site seems to have left: else as many went
 * as came. Where goroutines came with them, as sessions do in a program that warms up, timers that
 * send on a channel are waited for: if such a goroutine stays, it is told itself.
 */
static bool grow(const struct finding *f, const struct go_fates *first, const struct go_fates *last)
{
	double waiting = WAITED_FOR * ((double)last->goroutines - (double)first->goroutines);
	double more = (double)last->timers - (double)first->timers -
		      (gotimer_sends(f->kind) ? fmax(waiting, 0) : 0);

	return more >= GROWN_LEAST && more >= GROWN_PART * (double)first->timers &&
	       more >= GROWN_SITE * (double)f->live;
}

/* More than goroutines could wait for, which is no sign where a function is called instead: many
 * programs keep such timers by the thousand, as for what is to expire. */
static bool are_a_pile(const struct finding *f, const struct go_fates *last)
{
	return !is_callback(f->kind) && last->timers > PILE_LEAST + WAITED_FOR * last->goroutines;
}

int gotimer_mark(struct finding *f, const struct go_fates *first, const struct go_fates *last)
{
	size_t n = 0;
	int maker;

	while (n < f->n_frames && go_function_is_standard(f->frames[n].function))
		n++;
	maker = find_maker(f, n);
	if (maker < 0)
		return maker;
	f->kind = makers[maker].kind;
	if (f->verdict == SITE_KEEPS &&
	    (is_of_library(f, n) || (!grow(f, first, last) && !are_a_pile(f, last))))
		f->verdict = SITE_UNDECIDED;
	if (f->verdict == SITE_KEEPS)
		f->pattern = makers[maker].pattern;
	return 0;
}

static int add_finding(struct gobirths *s, const struct survivor_row *row,
		       enum site_verdict verdict, struct findings *list)
{
	const struct heap_site *site = &row->site;
	struct finding *f = findings_add(list);

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
	if (gotimer_mark(f, &s->timers_first, &s->timers_last) < 0)
		findings_drop_last(list);
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
