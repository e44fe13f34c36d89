// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who sends requests whose response is never read to its end or closed. Such a connection is lost
 * to its transport: the next request takes another. So connections that one site used once stay
 * alive, by the collector's marks, while their goroutines wait for somebody to read; where they
 * only idle, those wait for the network.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/message.h"
#include "agent/explain/gobirths.h"
#include "agent/explain/heap_verdict.h"
#include "agent/runtime/go/go.h"

#define SCAN_NS	    5000000000ull
#define STACKS	    64	/* of the largest groups */
#define STUCK_LEAST 8	/* connections */
#define STUCK_PART  0.5 /* of those that stay */

static bool is_stuck_reader(const struct go_report *r, const struct go_group *g)
{
	if (strcmp(go_string(r, g->reason), "select") != 0)
		return false;
	for (uint16_t i = 0; i < g->n_stack; i++) {
		const struct go_place *place = go_code_place(r, r->stacks[g->stack + i]);

		if (place &&
		    strcmp(go_string(r, place->function), "net/http.(*persistConn).readLoop") == 0)
			return true;
	}
	return false;
}

/* Readers of connections that wait for the program; 0 when that cannot be read. */
static uint64_t count_stuck(struct gobirths *s)
{
	struct go_request request = { .wanted = 1u << GO_GOROUTINES,
				      .groups = GO_GROUPS,
				      .stacks = STACKS };
	_cleanup_free_ struct go_report *report = NULL;
	uint64_t n = 0;

	if (go_scan(s->reader, s->options->pid, &request, SCAN_NS, &report) < 0)
		return 0;
	for (uint32_t i = 0; i < report->n_groups; i++)
		if (is_stuck_reader(report, &report->groups[i]))
			n += report->groups[i].count;
	return n;
}

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
	uint64_t stuck;
	size_t n;
	int r = survivors_rows(s->requests, s->began, &rows, &n);

	if (r < 0)
		return r;
	stuck = n ? count_stuck(s) : 0;
	for (size_t i = 0; i < n && r == 0; i++) {
		enum site_verdict verdict;

		heap_judge(&watch, &rows[i].site, 1, &verdict);
		if (verdict == SITE_KEEPS && stuck >= STUCK_LEAST &&
		    (double)stuck >= STUCK_PART * (double)rows[i].site.live)
			r = add_finding(s, &rows[i], ret);
	}
	return r;
}
