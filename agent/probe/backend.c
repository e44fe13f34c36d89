// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"
#include "agent/probe/backend.h"
#include "agent/probe/backend_title.h"

#define BACKENDS   1024 /* slots; three quarters are used */
#define TITLE	   256
#define LOOK_SHARE 0.002 /* of a core that looking may take */
#define ASKED_COST 2	 /* what reader and opener do, times what asking them costs us */

struct backend {
	pid_t pid; /* 0: free */
	uint64_t start;
	uint64_t run; /* ns on a CPU so far */
	struct backend_title title;
	bool seen_again; /* and did not run in between */
	double since;	 /* it was first seen waiting; 0: it does not wait in a transaction */
};

struct table {
	struct backend slots[BACKENDS];
	unsigned int n;
};

struct backend_census {
	struct late_reader *reader;
	struct reader *asked; /* NULL until there is a server */
	bool late;	      /* an answer did not come in this look */
	struct table tables[2], *now, *before;
	struct connections connections;
	double asking; /* CPU seconds of ours in this look, to ask for titles */
	double next;   /* look, CLOCK_MONOTONIC */
};

int backend_census_new(struct late_reader *reader, struct backend_census **ret)
{
	struct backend_census *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->reader = reader;
	c->now = &c->tables[0];
	c->before = &c->tables[1];
	*ret = c;
	return 0;
}

void backend_census_free(struct backend_census *c)
{
	free(c);
}

struct connections *backend_census_connections(struct backend_census *c)
{
	return &c->connections;
}

static bool is_server(const struct model_process *p)
{
	return !p->zombie && backend_is_server(p->exe);
}

/* The slot of a process, or the free one where it belongs. */
static struct backend *slot_of(struct table *t, pid_t pid)
{
	unsigned int at = (unsigned int)pid * 2654435761u >> 22;

	while (t->slots[at].pid && t->slots[at].pid != pid)
		at = (at + 1) % BACKENDS;
	return &t->slots[at];
}

/* "RUN WAITED SLICES" in nanoseconds (Documentation/scheduler/sched-stats.rst). */
static int read_run_time(pid_t pid, uint64_t *ret)
{
	char path[64], line[128];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	r = text_read_line(path, line, sizeof(line));
	if (r == 0)
		*ret = strtoull(line, NULL, 10);
	return r;
}

/* What it is at now. A title that cannot be read says nothing; after one that did not come the rest
 * waits for the next look, and each is asked again then. */
static void read_title(struct backend_census *c, struct backend *b)
{
	double begin = clock_seconds(CLOCK_THREAD_CPUTIME_ID);
	char title[TITLE];
	size_t n = sizeof(title);
	int r = c->late ? -ETIMEDOUT : reader_title(c->asked, b->pid, title, &n);

	if (r < 0 || !backend_title_parse(title, n, &b->title))
		b->title = (struct backend_title){ 0 };
	if (r < 0)
		b->run = 0;
	c->late |= r == -ETIMEDOUT;
	c->asking += clock_seconds(CLOCK_THREAD_CPUTIME_ID) - begin;
}

static void look_at(struct backend_census *c, const struct model_process *p, double now)
{
	struct backend *b = slot_of(c->now, p->pid), *old = slot_of(c->before, p->pid);
	uint64_t run = 0;

	if (b->pid || c->now->n >= BACKENDS * 3 / 4 || read_run_time(p->pid, &run) < 0)
		return;
	c->now->n++;
	if (old->pid && old->start == p->start && old->run == run) {
		*b = *old;
		b->seen_again = true;
	} else {
		*b = (struct backend){ .pid = p->pid, .start = p->start, .run = run };
		read_title(c, b);
		b->since = b->title.in_transaction ? now : 0;
	}
	if (b->since > 0 && b->title.port)
		connections_want(&c->connections, b->title.port);
}

static bool any_server(const struct model *m)
{
	model_for_each_process (m, p)
		if (p->seen == m->census && is_server(p))
			return true;
	return false;
}

static void look(struct backend_census *c, const struct model *m)
{
	struct table *fresh = c->before;
	double begin = clock_seconds(CLOCK_THREAD_CPUTIME_ID), own;
	bool first = c->now->n == 0; /* it reads every title, once */

	c->late = false;
	c->asking = 0;
	c->before = c->now;
	c->now = fresh;
	memset(fresh, 0, sizeof(*fresh));
	connections_want_none(&c->connections);
	model_for_each_process (m, p)
		if (p->seen == m->census && is_server(p))
			look_at(c, p, m->now);
	own = clock_seconds(CLOCK_THREAD_CPUTIME_ID) - begin;
	c->next = clock_seconds(CLOCK_MONOTONIC);
	if (!first)
		c->next += (own + ASKED_COST * c->asking) / LOOK_SHARE;
}

static void count(struct backend_census *c, const struct model *m, const struct backend *b)
{
	struct model_process *server = model_find(m, b->pid), *client;
	struct model_cell *cell;

	/* Seen once, it may be between two statements. */
	if (!server || server->start != b->start || !(b->since > 0) || !b->seen_again)
		return;
	client = b->title.port
			 ? model_find(m, connections_client(&c->connections, b->pid, b->title.port))
			 : NULL;
	cell = &(client ? client : server)->cells[SLOT_TRANSACTION];
	model_cell_add((client ? client : server)->cells, SLOT_TRANSACTION, 1);
	cell->oldest = fmax(cell->oldest, m->now - b->since);
}

void backend_census_run(struct backend_census *c, struct model *m)
{
	if (!c->asked && any_server(m))
		c->asked = late_reader_get(c->reader);
	if (c->asked && clock_seconds(CLOCK_MONOTONIC) >= c->next)
		look(c, m);
	for (unsigned int i = 0; i < BACKENDS; i++)
		if (c->now->slots[i].pid)
			count(c, m, &c->now->slots[i]);
}
