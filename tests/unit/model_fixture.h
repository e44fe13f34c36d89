/* SPDX-License-Identifier: GPL-2.0-only */
/* Models made by hand, for tests of what reads them. */
#pragma once

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/model/model.h"

/* A cell that was once more than nothing has a series; readers ask only whether there is one. */
static struct series *const fixture_series = (struct series *)&fixture_series;

static inline void fixture_cells(struct model_cell *cells)
{
	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		cells[s] = (struct model_cell){ .oldest = NAN,
						.trend = { VERDICT_UNKNOWN, NAN, NAN },
						.evidence = EVIDENCE_NONE };
}

static inline void fixture_set(struct model_cell *cells, enum seep_slot slot, int64_t live)
{
	cells[slot].live = live;
	cells[slot].series = fixture_series;
}

static inline struct model *fixture_model(void)
{
	struct model *m = calloc(1, sizeof(*m));

	m->now = 1700000000.25;
	m->window = 3600;
	m->interval = 10;
	m->census = 1;
	m->census_seconds = 0.0625;
	m->group_cap = 500;
	m->process_cap = 20;
	return m;
}

/* At the end of the list; the fixture owns all. */
static inline struct model_group *fixture_group(struct model *m, const char *name)
{
	struct model_group *g = calloc(1, sizeof(*g)), **at = &m->groups;

	while (*at)
		at = &(*at)->next;
	*at = g;
	g->name = strdup(name);
	g->processes = 1;
	fixture_cells(g->cells);
	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		g->soonest[s] = FORECAST_NONE;
	m->n_groups++;
	return g;
}

static inline struct model_process *fixture_process(struct model *m, struct model_group *g,
						    pid_t pid)
{
	struct model_process *p = calloc(1, sizeof(*p)), **at = &m->processes;

	while (*at)
		at = &(*at)->next;
	*at = p;
	p->pid = pid;
	p->start_time = 1699990000.5;
	p->group = g;
	snprintf(p->comm, sizeof(p->comm), "p%d", pid);
	fixture_cells(p->cells);
	m->n_processes++;
	return p;
}

static inline struct model_netns *fixture_netns(struct model *m, uint32_t inode)
{
	struct model_netns *n = calloc(1, sizeof(*n));

	n->inode = inode;
	fixture_cells(n->cells);
	n->next = m->netns;
	m->netns = n;
	return n;
}

/* Groups as a busy host has them: most slots in use, bounds, rates, here and there a leak. */
static inline void fixture_busy_group(struct model *m, unsigned int i)
{
	char name[64];
	struct model_group *g;
	struct model_process *p;

	snprintf(name, sizeof(name), "service-%u.service/worker", i);
	g = fixture_group(m, name);
	p = fixture_process(m, g, 1000 + (pid_t)i);
	g->processes = 1 + i % 7;
	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		if (!slot_is_total(s) && s % 3 == i % 3)
			continue; /* what this one does not use */
		fixture_set(g->cells, s, 10 + (int64_t)((i * 7 + s) % 1000));
		g->cells[s].trend = (struct trend){ VERDICT_STEADY, 0.5 * (i % 5), NAN };
		if (slot_is_total(s))
			g->bounds[s] = (struct bound){ BOUND_RLIMIT_NOFILE, 100000, 500 + i };
	}
	if (i % 50 == 0) {
		g->cells[SLOT_FD].trend = (struct trend){ VERDICT_LEAKING, 41, 1699999000 };
		g->cells[SLOT_FD].evidence.rate_error = 3;
		g->cells[SLOT_MEMORY].trend = (struct trend){ VERDICT_GROWING, 7e6, 1699999000 };
	}
	memcpy(p->cells, g->cells, sizeof(p->cells));
	memcpy(p->bounds, g->bounds, sizeof(p->bounds));
}

static inline void fixture_free(struct model *m)
{
	for (struct model_group *g = m->groups, *next; g; g = next) {
		next = g->next;
		free(g->name);
		free(g);
	}
	for (struct model_process *p = m->processes, *next; p; p = next) {
		next = p->next;
		free(p);
	}
	for (struct model_netns *n = m->netns, *next; n; n = next) {
		next = n->next;
		free(n);
	}
	free(m);
}
