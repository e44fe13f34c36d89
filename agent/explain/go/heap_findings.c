// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/base/message.h"
#include "agent/explain/go/births.h"
#include "agent/explain/go/churn.h"
#include "agent/explain/go/stores.h"
#include "agent/explain/go/youth.h"
#include "agent/explain/heap_verdict.h"
#include "agent/explain/target_check.h"
#include "agent/model/go_function.h"
#include "agent/runtime/go/patterns.h"

#define SITES_SHOWN 100
#define KEPT_LEAST  65536 /* bytes, in the whole program: less is no habit */
#define SEEN_PART   0.4	  /* of the watch, up to its last collection */
#define KEPT_PART   0.02  /* of what all sites keep: less drowns in it, if it is little at all */

/* Objects whose births one set of probes saw. */
struct book {
	struct gobirths *s;
	struct survivors *survivors;
	enum go_births births;
};

struct judged {
	const struct survivor_row *row;
	enum site_verdict verdict;
	bool little; /* undecided only since all that stays is little */
};

/* Bytes that were allocated since the watch began, of which windows saw a part. */
static double allocated(const struct gobirths *s)
{
	return s->last.total_alloc > s->first.total_alloc
		       ? (double)(s->last.total_alloc - s->first.total_alloc)
		       : 0;
}

static double seen_share(const struct book *b)
{
	double all = allocated(b->s), seen = (double)survivors_totals(b->survivors).bytes;

	return all > 0 ? fmin(seen / all, 1) : 0;
}

/* Between the last collection before the watch and the last one in it. */
static double grown(const struct gobirths *s)
{
	if (!s->first.heap_marked || !s->last.heap_marked)
		return INFINITY; /* not known: nothing is denied */
	return s->last.heap_marked > s->first.heap_marked
		       ? (double)(s->last.heap_marked - s->first.heap_marked)
		       : 0;
}

static double kept_bytes(const struct judged *judged, size_t n)
{
	double kept = 0;

	for (size_t i = 0; i < n; i++)
		if (judged[i].verdict == SITE_KEEPS)
			kept += (double)judged[i].row->site.live_bytes;
	return kept;
}

static double seconds_since(uint64_t ns)
{
	return (double)(monotonic_ns() - ns) / 1e9;
}

/* The part of all that was seen, at most. Of what is rare large objects are seen more often than
 * small ones, but none beyond the windows. */
static double judging_share(const struct book *b)
{
	const struct gorare *rare = gorare_get(b->s, b->births);

	return rare ? fmin(rare->windows.watched / fmax(seconds_since(b->s->began), 1), 1)
		    : seen_share(b);
}

static bool is_small(const struct book *b, const struct judged *judged, size_t n)
{
	double share = judging_share(b);

	return share > 0 && kept_bytes(judged, n) / share < KEPT_LEAST;
}

/* What lived when the last collection ended may have been dropped since. A heap that only grows is
 * collected whenever it has doubled, so one that ended early says that it has stopped to grow. */
static bool is_outdated(const struct gobirths *s)
{
	uint64_t seen = s->collected > s->began ? s->collected - s->began : 0;

	return (double)seen < SEEN_PART * (double)(monotonic_ns() - s->began);
}

static void forgive(struct judged *judged, size_t n, bool little)
{
	for (size_t i = 0; i < n; i++) {
		if (judged[i].verdict != SITE_KEEPS)
			continue;
		judged[i].verdict = SITE_UNDECIDED;
		judged[i].little = little;
	}
}

static int judge(const struct book *b, const struct survivor_row *rows, size_t n,
		 struct judged *ret)
{
	struct heap_watch watch = {
		.fates = true, .share = judging_share(b), .work = 1, .grown = grown(b->s)
	};
	_cleanup_free_ struct heap_site *sites = calloc(n + 1, sizeof(*sites));
	_cleanup_free_ enum site_verdict *verdicts = calloc(n + 1, sizeof(*verdicts));
	uint64_t births[4];

	if (!sites || !verdicts)
		return -ENOMEM;
	survivors_births(b->survivors, b->s->began, births);
	for (int i = 0; i < 4; i++)
		watch.blind[i] = births[i] == 0;
	for (size_t i = 0; i < n; i++)
		sites[i] = rows[i].site;
	heap_judge(&watch, sites, n, verdicts);
	for (size_t i = 0; i < n; i++)
		ret[i] = (struct judged){ &rows[i], verdicts[i], false };
	if (is_outdated(b->s))
		forgive(ret, n, false);
	else if (is_small(b, ret, n))
		forgive(ret, n, true);
	return 0;
}

/* What the live heap grew by is shared among those that keep. */
static void set_growth(const struct book *b, double seconds, double kept, struct finding *f)
{
	double share = seen_share(b), growth = grown(b->s);

	if (f->verdict == SITE_RETURNS)
		f->growth_per_hour = f->growth_bytes_per_hour = 0;
	if (f->verdict != SITE_KEEPS || f->live == 0 || seconds <= 0 || share == 0)
		return;
	f->growth_bytes_per_hour = isinf(growth) ? (double)f->live_bytes / share
						 : growth * (double)f->live_bytes / kept;
	f->growth_bytes_per_hour *= 3600 / seconds;
	f->growth_per_hour = f->growth_bytes_per_hour / (double)f->live_bytes * (double)f->live;
}

bool goheap_is_reserve(const struct finding *f)
{
	static const char *const owners[] = { "runtime.acquireSudog", "runtime.malg",
					      "runtime.(*hmap).newoverflow", "sync.(*Pool)",
					      "sync.(*poolChain)" };

	for (size_t i = 0; i < f->n_frames && go_function_is_standard(f->frames[i].function); i++)
		for (size_t k = 0; k < ARRAY_SIZE(owners); k++)
			if (strncmp(f->frames[i].function, owners[k], strlen(owners[k])) == 0)
				return true;
	return false;
}

static bool is_in_stack(const struct finding *f, const char *function)
{
	for (size_t i = 0; i < f->n_frames; i++)
		if (strcmp(f->frames[i].function, function) == 0)
			return true;
	return false;
}

bool goheap_keeps_in(const struct findings *list, const char *function)
{
	for (size_t i = 0; function && i < list->n; i++) {
		const struct finding *f = &list->rows[i];

		if (f->verdict == SITE_KEEPS && !f->kind && strcmp(f->resource, "goheap") == 0 &&
		    is_in_stack(f, function))
			return true;
	}
	return false;
}

/* Small beside a large leak, and small at all. So little of what is rare may as well be of a cache
 * that is turned over. */
static bool drowns(const struct book *b, const struct finding *f, double kept)
{
	double bytes = (double)f->live_bytes;

	return bytes < KEPT_LEAST * judging_share(b) &&
	       (b->births != GO_BIRTHS_HEAP || bytes < KEPT_PART * kept);
}

/* All that is told of one watch, and what may yet speak for those that are blamed. */
struct telling {
	struct gobirths *source;
	double seconds;
	struct findings *list;
	struct goyouth youth;
	struct gostores stores;
};

static int add_finding(const struct telling *t, const struct book *b, const struct judged *j,
		       double kept)
{
	const struct heap_site *site = &j->row->site;
	struct finding *f = findings_add(t->list);
	double share = seen_share(b);

	if (!f)
		return -ENOMEM;
	f->resource = "goheap";
	f->verdict = j->verdict;
	f->live = site->live;
	f->live_bytes = site->live_bytes;
	f->created = site->sums.created;
	f->destroyed = site->sums.destroyed;
	if (share > 0)
		f->sampled = (uint32_t)fmax(1, fmin(1 / share, 1e9));
	if (site->oldest)
		f->oldest = seconds_since(site->oldest);
	gobirths_name(b->s, b->births, j->row->key, f);
	if (f->verdict == SITE_KEEPS && (goheap_is_reserve(f) || drowns(b, f, kept)))
		f->verdict = SITE_UNDECIDED;
	if (f->verdict == SITE_KEEPS)
		f->pattern = go_pattern_of_keeper(f);
	if (j->little)
		snprintf(f->evidence, sizeof(f->evidence),
			 "what stays is little yet; a longer watch will tell");
	set_growth(b, t->seconds, kept, f);
	return 0;
}

/* If the last finding is blamed and fits no known mistake, ask later who holds its objects. */
static void note_last(struct telling *t, const struct book *b, const struct judged *j)
{
	const struct finding *last = &t->list->rows[t->list->n - 1];

	if (last->verdict == SITE_KEEPS && !last->pattern)
		gostores_note(&t->stores, t->list, b->survivors, j->row->key);
}

/* Keepers first, then what took most. */
static int by_weight(const void *left, const void *right)
{
	const struct judged *a = left, *b = right;
	const struct heap_site *x = &a->row->site, *y = &b->row->site;
	int r = (b->verdict == SITE_KEEPS) - (a->verdict == SITE_KEEPS);

	if (r == 0)
		r = (x->sums.created_bytes < y->sums.created_bytes) -
		    (x->sums.created_bytes > y->sums.created_bytes);
	return r;
}

static int add_rest(const struct judged *judged, size_t n, struct findings *list)
{
	struct finding *f = findings_add(list);

	if (!f)
		return -ENOMEM;
	f->resource = "goheap";
	f->reason = "sites beyond the 100 that hold most";
	for (size_t i = 0; i < n; i++) {
		const struct heap_site *site = &judged[i].row->site;

		f->live += site->live;
		f->live_bytes += site->live_bytes;
		f->created += site->sums.created;
		f->destroyed += site->sums.destroyed;
	}
	return 0;
}

static void mark_churn(const struct gobirths *s, const struct judged *judged, size_t n,
		       struct finding *rows)
{
	const struct gocollector *w = &s->collector;
	uint64_t bytes[SITES_SHOWN];
	struct gochurn churn = {
		.seconds = gocollector_seconds(w),
		.cpu = w->last.cpu - w->first.cpu,
		.share = gocollector_share(w),
		.allocated = gocollector_allocated(w),
		.seen = (double)survivors_totals(s->heap).bytes,
		.cycles = gocollector_cycles(w),
		.heap = (double)s->last.heap_marked,
		.grown = grown(s),
	};

	for (size_t i = 0; i < n; i++)
		bytes[i] = judged[i].row->site.sums.created_bytes;
	gochurn_mark(&churn, rows, bytes, n);
}

/* What lives on is what a collection left. */
static void tell_no_collection(const struct gobirths *s, double seconds)
{
	bool none = gocollector_cycles(&s->collector) < 1;

	if (none || is_outdated(s))
		log_info("goheap: no collection ended in %s%.0f s, so it is open what stays; a "
			 "longer --duration will tell",
			 none ? "" : "the later part of ", seconds);
}

/* Judged, those that keep first; the caller frees both. */
static int judge_all(const struct book *b, struct survivor_row **ret_rows,
		     struct judged **ret_judged, size_t *ret_n)
{
	int r = survivors_rows(b->survivors, b->s->began, ret_rows, ret_n);

	if (r < 0)
		return r;
	*ret_judged = calloc(*ret_n + 1, sizeof(**ret_judged));
	if (!*ret_judged)
		return -ENOMEM;
	r = judge(b, *ret_rows, *ret_n, *ret_judged);
	qsort(*ret_judged, *ret_n, sizeof(**ret_judged), by_weight);
	return r;
}

/* Told already, by what more was seen of. */
static bool is_known(const struct findings *list)
{
	const struct finding *last = &list->rows[list->n - 1];
	const struct findings before = { .rows = list->rows, .n = list->n - 1 };
	const struct site_frame *frame = finding_frame(last);

	return !frame || goheap_keeps_in(&before, frame->function);
}

/* Of what is rare, only what stays. */
static int add_rare(struct telling *t, const struct gorare *rare)
{
	const struct book b = { t->source, rare->book, rare->windows.births };
	_cleanup_free_ struct survivor_row *rows = NULL;
	_cleanup_free_ struct judged *judged = NULL;
	double kept;
	size_t n;
	int r = judge_all(&b, &rows, &judged, &n);

	if (r < 0)
		return r;
	kept = kept_bytes(judged, n);
	if (rare->windows.watched > 0)
		t->youth.kept = fmax(t->youth.kept, kept * t->seconds / rare->windows.watched);
	for (size_t i = 0; i < n && i < SITES_SHOWN && judged[i].verdict == SITE_KEEPS; i++) {
		r = add_finding(t, &b, &judged[i], kept);
		if (r < 0)
			return r;
		if (t->list->rows[t->list->n - 1].verdict != SITE_KEEPS || is_known(t->list))
			findings_drop_last(t->list);
		else
			note_last(t, &b, &judged[i]);
	}
	return 0;
}

static int add_all(struct telling *t)
{
	const struct book b = { t->source, t->source->heap, GO_BIRTHS_HEAP };
	_cleanup_free_ struct survivor_row *rows = NULL;
	_cleanup_free_ struct judged *judged = NULL;
	size_t n, shown, first = t->list->n;
	double kept;
	int r = judge_all(&b, &rows, &judged, &n);

	if (r < 0)
		return r;
	if (n > 0)
		tell_no_collection(t->source, t->seconds);
	kept = kept_bytes(judged, n);
	if (seen_share(&b) > 0)
		t->youth.kept = kept / seen_share(&b);
	shown = n < SITES_SHOWN ? n : SITES_SHOWN;
	for (size_t i = 0; i < shown && r == 0; i++) {
		r = add_finding(t, &b, &judged[i], kept);
		if (r == 0)
			note_last(t, &b, &judged[i]);
	}
	if (r == 0 && shown)
		mark_churn(t->source, judged, shown, t->list->rows + first);
	return r == 0 && n > SITES_SHOWN ? add_rest(judged + SITES_SHOWN, n - SITES_SHOWN, t->list)
					 : r;
}

/* Once the watch is over: all of the heap that has pointers is read for it. */
static void forgive_stored(struct telling *t)
{
	struct go_stores_request request;
	struct go_stores answer;
	int r;

	if (t->stores.n == 0)
		return;
	gostores_ask_for(&t->stores, &request);
	r = go_stores_ask(t->source->reader, t->source->options->pid, &request, &answer);
	if (r < 0)
		gostores_give_up(&t->stores, r, t->list);
	else
		gostores_forgive(&t->stores, &answer, t->list);
	for (int reason = 0; reason < LOSS_REASON_MAX; reason++)
		t->source->lost[reason] += t->stores.lost[reason];
}

int goheap_findings(struct gobirths *s, double seconds, struct findings *ret)
{
	static const enum go_births rare[] = { GO_BIRTHS_LARGE, GO_BIRTHS_SLOTS };
	struct telling t = { .source = s,
			     .seconds = seconds,
			     .list = ret,
			     .youth = { .age = target_age(s->options->pid),
					.seconds = seconds,
					.heap = (double)s->last.heap_marked } };
	size_t first = ret->n;
	int r = add_all(&t);

	for (size_t i = 0; i < ARRAY_SIZE(rare) && r == 0; i++)
		if (gorare_get(s, rare[i]))
			r = add_rare(&t, gorare_get(s, rare[i]));
	if (r < 0)
		return r;
	if (!goyouth_forgive(&t.youth, ret->rows + first, ret->n - first))
		forgive_stored(&t);
	return 0;
}
