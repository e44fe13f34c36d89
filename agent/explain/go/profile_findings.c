// SPDX-License-Identifier: GPL-2.0-only
/* What the program's own heap profile says, in one table with what the windows saw. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/explain/go/births.h"
#include "agent/model/go_function.h"
#include "agent/runtime/go/patterns.h"
#include "agent/sites/reader.h"

#define TOLD_LEAST  0.01 /* of all that lives: what holds less is not told unless it keeps */
#define TOLD_MOST   40
#define FRAMES_SAME 2 /* of one site: the function that allocates, and who called it */

struct judged {
	const struct goprofile_site *site;
	struct goprofile_judgement j;
};

/* The rows of the windows; taken: those that a site of the profile was found to be. */
struct part {
	size_t first, n;
	bool *taken;
};

/* Keepers first, then what holds most. */
static int by_weight(const void *left, const void *right)
{
	const struct judged *a = left, *b = right;
	int r = (b->j.verdict == SITE_KEEPS) - (a->j.verdict == SITE_KEEPS);

	if (r == 0 && a->j.verdict == SITE_KEEPS)
		r = (a->j.grown < b->j.grown) - (a->j.grown > b->j.grown);
	if (r == 0)
		r = (a->site->last.live_bytes < b->site->last.live_bytes) -
		    (a->site->last.live_bytes > b->site->last.live_bytes);
	return r;
}

/* Where the program asks the runtime for memory: what is before is the runtime's own. */
static size_t skip_runtime(const struct finding *f)
{
	size_t i = 0;

	while (i < f->n_frames && go_function_is_runtime(f->frames[i].function))
		i++;
	return i;
}

/* How far outwards they are the same. */
static size_t count_same(const struct finding *a, const struct finding *b)
{
	size_t i = skip_runtime(a), k = skip_runtime(b), n = 0;

	while (i < a->n_frames && k < b->n_frames && a->frames[i].line == b->frames[k].line &&
	       strcmp(a->frames[i++].function, b->frames[k++].function) == 0)
		n++;
	return n < FRAMES_SAME ? 0 : n;
}

/* The row of the windows that is of the same place, and not yet of another site. */
static struct finding *find_same(struct finding *rows, size_t n, bool *taken,
				 const struct finding *f)
{
	size_t best = n, most = 0;

	for (size_t i = 0; i < n; i++) {
		size_t same = rows[i].kind || taken[i] ? 0 : count_same(&rows[i], f);

		if (same > most) {
			most = same;
			best = i;
		}
	}
	if (best == n)
		return NULL;
	taken[best] = true;
	return &rows[best];
}

static void tell(const struct goprofile *p, const struct judged *d, struct finding *f)
{
	char live[32], more[32];

	text_format_bytes((double)d->site->last.live_bytes, live, sizeof(live));
	text_format_bytes(fabs(d->j.grown), more, sizeof(more));
	text_append(f->evidence, sizeof(f->evidence), "%sby its heap profile %s live since %s",
		    *f->evidence ? "; " : "", live,
		    p->switched ? "that was switched on" : "it began");
	if (p->looks < 2)
		text_append(f->evidence, sizeof(f->evidence),
			    "; no collection published more in this watch");
	else
		text_append(f->evidence, sizeof(f->evidence), ", %s %s in this watch", more,
			    d->j.grown < 0 ? "less" : "more");
}

static void set_numbers(const struct judged *d, struct finding *f)
{
	const struct go_profile_site *last = &d->site->last;

	f->live = last->live;
	f->live_bytes = last->live_bytes;
	f->created = last->objects;
	f->destroyed = last->objects > last->live ? last->objects - last->live : 0;
	f->sampled =
		last->taken
			? (uint32_t)fmax(1, fmin((double)last->objects / (double)last->taken, 1e9))
			: 1;
	f->growth_per_hour = f->growth_bytes_per_hour = NAN;
	f->oldest = NAN;
	if (d->j.verdict == SITE_RETURNS)
		f->growth_per_hour = f->growth_bytes_per_hour = 0;
	if (d->j.verdict != SITE_KEEPS)
		return;
	f->growth_per_hour = d->j.growth_per_hour;
	f->growth_bytes_per_hour = d->j.growth_bytes_per_hour;
}

/* The profile speaks of the whole life of the program, the windows of moments: where both say that
 * a site keeps, and where only the profile does, its numbers stand. */
static void merge(const struct judged *d, const struct finding *from, struct finding *to)
{
	if (from->verdict != SITE_KEEPS)
		return;
	to->verdict = SITE_KEEPS;
	to->pattern = to->pattern ? to->pattern : from->pattern;
	set_numbers(d, to);
}

static int name(struct gobirths *s, const struct judged *d, struct finding *f)
{
	int r = go_names_ask_logical(s->reader, s->options->pid, s->module, d->site->last.pcs,
				     d->site->last.n, &f->frames, &f->n_frames);

	if (r < 0 && r != -ENOMEM) {
		log_debug(r, "go: a site of the heap profile stays unnamed");
		f->reason = r == -ETIMEDOUT ? "naming it took too long" : "the stack was lost";
	}
	return r == -ENOMEM ? r : 0;
}

/* The caller frees its frames. */
static int make_finding(struct gobirths *s, const struct judged *d, struct finding *ret)
{
	int r;

	*ret = (struct finding){ .resource = "goheap", .verdict = d->j.verdict };
	r = name(s, d, ret);
	if (ret->verdict == SITE_KEEPS && goheap_is_reserve(ret))
		ret->verdict = SITE_UNDECIDED;
	set_numbers(d, ret);
	if (ret->verdict == SITE_KEEPS)
		ret->pattern = go_pattern_of_growth(ret);
	return r;
}

static int add_site(struct gobirths *s, const struct judged *d, struct findings *list,
		    const struct part *windows)
{
	struct finding f, *to;
	int r = make_finding(s, d, &f);

	to = r == 0 ? find_same(list->rows + windows->first, windows->n, windows->taken, &f) : NULL;
	if (to) {
		merge(d, &f, to);
	} else if (r == 0 && (to = findings_add(list))) {
		*to = f;
		f.frames = NULL;
		f.n_frames = 0;
	}
	site_frames_free(f.frames, f.n_frames);
	if (r == 0 && !to)
		r = -ENOMEM;
	if (r == 0)
		tell(&s->profile, d, to);
	return r;
}

static bool is_told(const struct goprofile *p, const struct judged *d, size_t rank)
{
	return d->j.verdict == SITE_KEEPS ||
	       (rank < TOLD_MOST && d->site->seen + 1 == p->looks &&
		(double)d->site->last.live_bytes >= TOLD_LEAST * (double)p->live_bytes);
}

static struct judged *judge_all(const struct goprofile *p)
{
	_cleanup_free_ struct goprofile_judgement *judgements = calloc(p->n, sizeof(*judgements));
	struct judged *judged = calloc(p->n, sizeof(*judged));

	if (!judgements || !judged) {
		free(judged);
		return NULL;
	}
	goprofile_judge(p, judgements);
	for (size_t i = 0; i < p->n; i++)
		judged[i] = (struct judged){ &p->rows[i], judgements[i] };
	qsort(judged, p->n, sizeof(*judged), by_weight);
	return judged;
}

int goprofile_findings(struct gobirths *s, size_t first, struct findings *ret)
{
	const struct goprofile *p = &s->profile;
	_cleanup_free_ struct judged *judged = NULL;
	_cleanup_free_ bool *taken = NULL;
	struct part windows = { .first = first, .n = ret->n - first };
	int r = 0;

	if (p->n == 0)
		return 0;
	judged = judge_all(p);
	windows.taken = taken = calloc(windows.n + 1, sizeof(*taken));
	if (!judged || !taken)
		return -ENOMEM;
	for (size_t i = 0; i < p->n && r == 0; i++)
		if (is_told(p, &judged[i], i))
			r = add_site(s, &judged[i], ret, &windows);
	return r;
}
