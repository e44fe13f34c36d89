// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who sends requests whose answer is never read to its end or closed: of a HTTP server, or of a
 * database. Such a connection is lost to its transport, or its pool: the next request takes
 * another. So connections that one site used stay ones whose reader waits for the program
 * (GO_ORACLE_READERS), or that somebody has (GO_ORACLE_USERS); where answers are closed, they soon
 * idle or are used again.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/base/cleanup.h"
#include "agent/base/message.h"
#include "agent/explain/go/births.h"
#include "agent/explain/heap_verdict.h"

struct topic {
	enum go_births births;
	const char *resource, *kind, *pattern;
};

static const struct topic responses = { GO_BIRTHS_REQUESTS, "goroutine", "connection",
					"unclosed-response-body" };
static const struct topic rows = { GO_BIRTHS_QUERIES, "pool", "sql", "unclosed-rows" };

static int add_finding(struct gobirths *s, const struct topic *topic, double watched,
		       const struct survivor_row *row, struct findings *list)
{
	const struct heap_site *site = &row->site;
	struct finding *f = findings_add(list);

	if (!f)
		return -ENOMEM;
	f->resource = topic->resource;
	f->kind = topic->kind;
	f->pattern = topic->pattern;
	f->verdict = SITE_KEEPS;
	f->live = site->live;
	f->created = site->sums.created;
	f->destroyed = site->sums.destroyed;
	if (watched > 0)
		f->growth_per_hour = (double)site->live / watched * 3600;
	if (site->oldest)
		f->oldest = (double)(monotonic_ns() - site->oldest) / 1e9;
	gobirths_name(s, topic->births, row->key, f);
	return 0;
}

static int add_kept(struct gobirths *s, const struct topic *topic, struct findings *ret)
{
	const struct gorare *rare = gorare_get(s, topic->births);
	_cleanup_free_ struct survivor_row *kept = NULL;
	struct heap_watch watch = { .fates = true, .work = 1 };
	size_t n;
	int r = rare ? survivors_rows(rare->book, s->began, &kept, &n) : -ENOENT;

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++) {
		enum site_verdict verdict;

		heap_judge(&watch, &kept[i].site, 1, &verdict);
		if (verdict == SITE_KEEPS)
			r = add_finding(s, topic, rare->windows.watched, &kept[i], ret);
	}
	return r;
}

int gorequest_findings(struct gobirths *s, struct findings *ret)
{
	int r = add_kept(s, &responses, ret);

	return r == 0 ? add_kept(s, &rows, ret) : r;
}
