// SPDX-License-Identifier: GPL-2.0-only
/* The long windows on what is rare: each kind has its own, so that one which is not so rare in this
 * program leaves the others theirs. */
#include "agent/base/clock.h"
#include "agent/base/cleanup.h"
#include "agent/explain/go/births.h"
#include "agent/explain/go/budget.h"

static const struct {
	enum go_births births;
	/* Of the present; NULL: the collector's marks tell. */
	int (*ask)(void *source, const struct survivor_query *queries, size_t n,
		   struct survivor_answer *ret);
} kinds[GORARE_MAX] = {
	{ GO_BIRTHS_SLOTS, NULL },
	{ GO_BIRTHS_LARGE, NULL },
	{ GO_BIRTHS_REQUESTS, gobirths_ask_readers },
	{ GO_BIRTHS_QUERIES, gobirths_ask_users },
};

bool gorare_is(enum go_births births)
{
	for (size_t i = 0; i < GORARE_MAX; i++)
		if (kinds[i].births == births)
			return true;
	return false;
}

const struct gorare *gorare_get(const struct gobirths *s, enum go_births births)
{
	for (size_t i = 0; i < GORARE_MAX; i++)
		if (s->rare[i].book && s->rare[i].windows.births == births)
			return &s->rare[i];
	return NULL;
}

static int start(struct gobirths *s, size_t i)
{
	struct survivor_oracle oracle = gobirths_heap_oracle(s);

	if (!s->probes[kinds[i].births] || (!kinds[i].ask && !s->heap))
		return 0;
	if (kinds[i].ask) {
		oracle.ask = kinds[i].ask;
		oracle.step = 0;
	}
	s->rare[i] = (struct gorare){
		.windows = { .probe = s->probes[kinds[i].births],
			     .host = &s->host,
			     .births = kinds[i].births },
	};
	goprobe_windows_start(&s->rare[i].windows, s->options->duration,
			      gobudget_share(s->options, GOBUDGET_RARE));
	return survivors_new(&oracle, &s->rare[i].book);
}

int gorare_start(struct gobirths *s)
{
	int r = 0;

	for (size_t i = 0; i < GORARE_MAX && r == 0; i++)
		r = start(s, i);
	return r;
}

static bool is_due(const struct gorare *r)
{
	return clock_seconds(CLOCK_MONOTONIC) >= r->due;
}

/* The present is asked for at once: a connection that was given back soon has another user, whom no
 * window may see. */
static int poll_one(struct gorare *r, bool present)
{
	int e = goprobe_windows_poll(&r->windows, survivors_add, r->book);

	if (e <= 0)
		return e;
	return present ? gobirths_check(r->book, &r->due) : 0;
}

int gorare_poll(struct gobirths *s)
{
	int r = 0;

	for (size_t i = 0; i < GORARE_MAX && r == 0; i++)
		if (s->rare[i].book)
			r = poll_one(&s->rare[i], kinds[i].ask);
	return r;
}

void gorare_end(struct gobirths *s)
{
	for (size_t i = 0; i < GORARE_MAX; i++) {
		struct gorare *r = &s->rare[i];

		if (!r->book)
			continue;
		if (goprobe_windows_end(&r->windows, survivors_add, r->book) >= 0)
			gobirths_check(r->book, &r->due);
	}
}

bool gorare_waits(const struct gobirths *s)
{
	for (size_t i = 0; i < GORARE_MAX; i++)
		if (s->rare[i].book && !kinds[i].ask && is_due(&s->rare[i]))
			return true;
	return false;
}

int gorare_collected(struct gobirths *s)
{
	int e = 0;

	for (size_t i = 0; i < GORARE_MAX && e == 0; i++) {
		struct gorare *r = &s->rare[i];

		if (!r->book || kinds[i].ask || !is_due(r) || r->checked == s->last.generation)
			continue;
		r->checked = s->last.generation;
		e = gobirths_check(r->book, &r->due);
	}
	return e;
}
