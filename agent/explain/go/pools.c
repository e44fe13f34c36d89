// SPDX-License-Identifier: GPL-2.0-only
#include "agent/explain/go/pools.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/go_function.h"
#include "agent/runtime/go/go.h"

#define FEW	    4  /* connections above what may idle: a handful of requests at once */
#define CLOSED_MANY 16 /* in one watch, since more came back than may idle */

/* NULL when there are too many already. */
static struct gopool *get(struct gopools *p, const struct go_pool *pool)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->rows[i].last.address == pool->address)
			return &p->rows[i];
	if (p->n == ARRAY_SIZE(p->rows))
		return NULL;
	p->rows[p->n] = (struct gopool){ .most = pool->open,
					 .least = pool->open,
					 .open_first = pool->open,
					 .closed_first = pool->closed,
					 .idle_closed_first = pool->idle_closed };
	return &p->rows[p->n++];
}

static const char *function_of(const struct go_report *r, uint16_t code)
{
	const struct go_place *place = go_code_place(r, code);

	return place ? go_string(r, place->function) : "";
}

static bool is_own(const char *function)
{
	return *function && !go_function_is_standard(function) &&
	       !go_function_is_database(function);
}

/* The call that opens pools, when one function of the program's own does that; else GO_CODES. */
static uint16_t find_opener(const struct go_report *r)
{
	uint16_t found = GO_CODES;

	for (uint16_t i = 0; i < r->n_pool_calls; i++) {
		uint16_t code = r->stacks[r->pool_calls + i];
		const char *function = function_of(r, code);

		if (!is_own(function))
			continue;
		if (found != GO_CODES && strcmp(function_of(r, found), function) != 0)
			return GO_CODES;
		found = code;
	}
	return found;
}

static int set_frames(struct gopool *row, const struct go_report *r, const struct go_pool *pool,
		      const char *module)
{
	uint16_t opener = r->n_pools == 1 ? find_opener(r) : GO_CODES;
	int e = 0;

	if (row->n_frames || (opener == GO_CODES && !pool->n_user))
		return 0;
	if (!row->frames)
		row->frames = calloc(SITE_FRAMES, sizeof(*row->frames));
	if (!row->frames)
		return -ENOMEM;
	if (opener != GO_CODES)
		return go_frames_add(r, opener, module, row->frames, &row->n_frames);
	for (uint16_t i = 0; i < pool->n_user && e == 0; i++)
		e = go_frames_add(r, r->stacks[pool->user + i], module, row->frames,
				  &row->n_frames);
	return e;
}

static int add_pool(struct gopools *p, const struct go_report *r, const struct go_pool *pool,
		    const char *module)
{
	struct gopool *row = get(p, pool);

	if (!row)
		return 0;
	row->most = pool->open > row->most ? pool->open : row->most;
	row->least = pool->open < row->least ? pool->open : row->least;
	row->last = *pool;
	row->pulls++;
	return set_frames(row, r, pool, module);
}

int gopools_add(struct gopools *p, const struct go_report *r, const char *module)
{
	int e = 0;

	for (uint32_t i = 0; i < r->n_pools && e == 0; i++)
		e = add_pool(p, r, &r->pools[i], module);
	p->pulls++;
	return e;
}

void gopools_clear(struct gopools *p)
{
	for (size_t i = 0; i < p->n; i++)
		site_frames_free(p->rows[i].frames, p->rows[i].n_frames);
	*p = (struct gopools){ 0 };
}

/* A counter of a program that lies may fall. */
static uint64_t risen(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

/*
 * A pool that holds a few connections all day harms nobody, limit or not: it is told and not
 * accused. It is a mistake where connections follow the load: when there were clearly more than may
 * idle, which are those that requests had at once, or when they came and went.
 */
bool gopool_follows_load(const struct gopool *p)
{
	uint64_t idle_closed = risen(p->idle_closed_first, p->last.idle_closed);

	if (p->last.max_open > 0)
		return false;
	return p->most >= go_pool_may_idle(&p->last) + FEW ||
	       (p->most > go_pool_may_idle(&p->last) && idle_closed >= CLOSED_MANY);
}

static void write_evidence(const struct gopool *p, uint64_t opened, uint64_t closed, char *dst,
			   size_t size)
{
	char limit[64] = "no limit";

	if (p->last.max_open)
		snprintf(limit, sizeof(limit), "at most %" PRIu64 " open", p->last.max_open);
	snprintf(dst, size,
		 "%s, at most %" PRIu64 " idle; %" PRIu64 " to %" PRIu64 " were open, %" PRIu64
		 " opened and %" PRIu64 " closed; now %" PRIu64 " idle, %" PRIu64
		 " requests wait for one",
		 limit, go_pool_may_idle(&p->last), p->least, p->most, opened, closed, p->last.idle,
		 p->last.waiting);
}

/* The pool's own limit is its bound; where it has none, the server's, which the pool knows not. */
static int add_finding(const struct gopool *p, struct findings *ret)
{
	struct finding *f = findings_add(ret);
	int r;

	if (!f)
		return -ENOMEM;
	f->resource = "pool";
	f->kind = "sql";
	f->live = p->last.open;
	f->destroyed = risen(p->closed_first, p->last.closed);
	f->created = risen(p->open_first, p->last.open + f->destroyed);
	f->bound = p->last.max_open;
	f->bound_source = p->last.max_open ? "SetMaxOpenConns" : NULL;
	write_evidence(p, f->created, f->destroyed, f->evidence, sizeof(f->evidence));
	if (gopool_follows_load(p)) {
		f->pattern = "unbounded-pool";
		f->verdict = SITE_KEEPS; /* as many as are asked for: nothing ends that */
	}
	if (!p->n_frames)
		f->reason = "nobody was seen who uses it";
	r = site_frames_copy(p->frames, p->n_frames, &f->frames);
	if (r == 0)
		f->n_frames = p->n_frames;
	return r;
}

int gopools_findings(const struct gopools *p, struct findings *ret)
{
	int r = 0;

	for (size_t i = 0; i < p->n && r == 0; i++)
		r = add_finding(&p->rows[i], ret);
	return r;
}
