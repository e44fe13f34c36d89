// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/base/message.h"
#include "agent/explain/heap/source.h"
#include "agent/sites/reader.h"

#define SITES_SHOWN 200 /* what people read; naming a site takes time */

struct judged {
	const struct heap_site *site;
	enum site_verdict verdict;
};

/* Part of the process's own work since the watch began that lay in windows. */
static double seen_share(const struct heap_source *s)
{
	double cpu = heap_source_cpu(s) - s->cpu_began;

	return cpu > 0 ? fmin(s->worked / cpu, 1) : 0;
}

static double resident_growth(const struct heap_source *s)
{
	return s->resident_end > s->resident ? (double)(s->resident_end - s->resident) : 0;
}

static struct heap_watch watch_of(const struct heap_source *s)
{
	double n = (double)s->windows.n;
	double spread = n > 1 ? s->balance_squares - s->balance * s->balance / n : 0;

	return (struct heap_watch){
		.exact = s->options->exact,
		.share = seen_share(s),
		.work = s->in_windows > 0 ? s->worked / s->in_windows : 0,
		.grown = resident_growth(s),
		.balance = s->balance,
		.balance_error = spread > 0 ? sqrt(spread * n / (n - 1)) : 1,
	};
}

/* Windows see too little to say how fast: what the process grew by is shared among its keepers. */
static void set_growth(const struct heap_source *s, struct finding *f, double seconds, double kept)
{
	if (f->verdict == SITE_RETURNS) {
		f->growth_per_hour = f->growth_bytes_per_hour = 0;
		return;
	}
	if (seconds <= 0 || f->live == 0)
		return;
	if (s->options->exact) {
		f->growth_per_hour = (double)f->live / seconds * 3600;
		f->growth_bytes_per_hour = (double)f->live_bytes / seconds * 3600;
	} else if (f->verdict == SITE_KEEPS && kept > 0) {
		f->growth_bytes_per_hour =
			resident_growth(s) * (double)f->live_bytes / kept / seconds * 3600;
		f->growth_per_hour =
			f->growth_bytes_per_hour / (double)f->live_bytes * (double)f->live;
	}
}

/* All of a stack are return addresses, but the reader takes the first for the place itself. */
static int name_stack(struct heap_source *s, const struct heap_site *site, struct finding *f)
{
	uint64_t pcs[HEAP_FRAMES];

	if (site->n_pcs == 0 || site->n_pcs > HEAP_FRAMES)
		return -ENODATA;
	if (s->go)
		return naming_stack(&s->naming, site->pcs, site->n_pcs, &f->frames, &f->n_frames);
	memcpy(pcs, site->pcs, site->n_pcs * sizeof(pcs[0]));
	pcs[0]--;
	return reader_symbolize(s->reader, s->options->pid, pcs, site->n_pcs, &f->frames,
				&f->n_frames);
}

static int add_finding(struct heap_source *s, const struct judged *j, double seconds, double kept,
		       struct findings *list)
{
	const struct heap_site *site = j->site;
	struct finding *f = findings_add(list);
	double share = seen_share(s);
	int r;

	if (!f)
		return -ENOMEM;
	f->resource = "heap";
	f->kind = site->kind;
	f->verdict = j->verdict;
	f->live = site->live;
	f->live_bytes = site->live_bytes;
	f->created = site->sums.created;
	f->destroyed = site->sums.destroyed + site->sums.reused;
	if (!s->options->exact && share > 0)
		f->sampled = (uint32_t)fmax(1, fmin(1 / share, 1e9));
	if (site->oldest)
		f->oldest = (double)(monotonic_ns() - site->oldest) / 1e9;
	set_growth(s, f, seconds, kept);
	r = name_stack(s, site, f);
	if (r < 0) {
		log_debug(r, "heap: a site of %zu addresses stays unnamed", site->n_pcs);
		f->reason = r == -ETIMEDOUT ? "naming it took too long" : "the stack was lost";
	}
	return 0;
}

/* What is shown first: keepers, then what holds most, then what was taken most often. */
static int by_weight(const void *left, const void *right)
{
	const struct judged *a = left, *b = right;
	const struct heap_site *x = a->site, *y = b->site;
	int r = (b->verdict == SITE_KEEPS) - (a->verdict == SITE_KEEPS);

	if (r == 0)
		r = (x->live_bytes < y->live_bytes) - (x->live_bytes > y->live_bytes);
	if (r == 0)
		r = (x->sums.created < y->sums.created) - (x->sums.created > y->sums.created);
	return r;
}

/* The sites that are not shown, so that sums stay right. */
static int add_rest(const struct judged *judged, size_t n, struct findings *list)
{
	struct finding *f = findings_add(list);

	if (!f)
		return -ENOMEM;
	f->resource = "heap";
	f->reason = "sites beyond the 200 that hold most";
	for (size_t i = 0; i < n; i++) {
		f->live += judged[i].site->live;
		f->live_bytes += judged[i].site->live_bytes;
		f->created += judged[i].site->sums.created;
		f->destroyed += judged[i].site->sums.destroyed + judged[i].site->sums.reused;
	}
	return 0;
}

static int judge_all(struct heap_source *s, const struct heap_site *sites, size_t n,
		     struct judged **ret)
{
	_cleanup_free_ enum site_verdict *verdicts = calloc(n + 1, sizeof(*verdicts));
	struct heap_watch watch = watch_of(s);

	*ret = calloc(n + 1, sizeof(**ret));
	if (!*ret || !verdicts)
		return -ENOMEM;
	heap_judge(&watch, sites, n, verdicts);
	for (size_t i = 0; i < n; i++)
		(*ret)[i] = (struct judged){ &sites[i], verdicts[i] };
	qsort(*ret, n, sizeof(**ret), by_weight);
	return 0;
}

int heap_findings(struct heap_source *s, double seconds, struct findings *ret)
{
	_cleanup_free_ struct heap_site *sites = NULL;
	_cleanup_free_ struct judged *judged = NULL;
	double kept = 0;
	size_t n;
	int r;

	r = heap_sites(s->heap, &sites, &n);
	if (r == 0)
		r = judge_all(s, sites, n, &judged);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (judged[i].verdict == SITE_KEEPS)
			kept += (double)judged[i].site->live_bytes;
	for (size_t i = 0; i < n && i < SITES_SHOWN && r == 0; i++)
		r = add_finding(s, &judged[i], seconds, kept, ret);
	if (r == 0 && n > SITES_SHOWN)
		r = add_rest(judged + SITES_SHOWN, n - SITES_SHOWN, ret);
	return r;
}
