// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who sends requests whose response is never read to its end or closed. Such a connection is lost
 * to its transport: the next request takes another. So connections that one site used stay ones
 * whose reader waits for the program (GO_ORACLE_READERS); where bodies are closed, they soon idle
 * or are used again.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/base/cleanup.h"
#include "agent/base/message.h"
#include "agent/explain/go/births.h"
#include "agent/explain/heap_verdict.h"

static int add_finding(struct gobirths *s, const struct survivor_row *row, struct findings *list)
{
	const struct heap_site *site = &row->site;
	struct finding *f = findings_add(list);

	if (!f)
		return -ENOMEM;
	f->resource = "goroutine";
	f->kind = "connection";
	f->pattern = "unclosed-response-body";
	f->verdict = SITE_KEEPS;
	f->live = site->live;
	f->created = site->sums.created;
	f->destroyed = site->sums.destroyed;
	if (site->oldest)
		f->oldest = (double)(monotonic_ns() - site->oldest) / 1e9;
	gobirths_name(s, GO_BIRTHS_REQUESTS, row->key, f);
	return 0;
}

int gorequest_findings(struct gobirths *s, struct findings *ret)
{
	_cleanup_free_ struct survivor_row *rows = NULL;
	struct heap_watch watch = { .fates = true, .work = 1 };
	size_t n;
	int r = survivors_rows(s->requests, s->began, &rows, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++) {
		enum site_verdict verdict;

		heap_judge(&watch, &rows[i].site, 1, &verdict);
		if (verdict == SITE_KEEPS)
			r = add_finding(s, &rows[i], ret);
	}
	return r;
}
