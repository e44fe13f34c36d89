// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/group.h"
#include "agent/model/model.h"

#define DEFAULT_GROUP_CAP   500
#define DEFAULT_PROCESS_CAP 20

int model_new(double window, double interval, struct model **ret)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->window = window;
	m->interval = interval;
	m->group_cap = DEFAULT_GROUP_CAP;
	m->process_cap = DEFAULT_PROCESS_CAP;
	*ret = m;
	return 0;
}

static void cells_free(struct model_cell *cells)
{
	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		series_free(cells[s].series);
}

static void process_free(struct model_process *p)
{
	cells_free(p->cells);
	ages_free(p->ages);
	free(p->exe);
	free(p->cgroup);
	free(p);
}

static void netns_free(struct model_netns *n)
{
	cells_free(n->cells);
	free(n);
}

void model_free(struct model *m)
{
	if (!m)
		return;
	for (struct model_process *p = m->processes, *next; p; p = next) {
		next = p->next;
		process_free(p);
	}
	for (struct model_netns *n = m->netns, *next; n; n = next) {
		next = n->next;
		netns_free(n);
	}
	groups_free(m);
	free(m);
}

/* Before a census counts into them again. */
static void cells_begin(struct model_cell *cells)
{
	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		cells[s].live = 0;
		cells[s].old = LIVE_UNKNOWN;
		cells[s].oldest = NAN;
	}
}

static void cells_init(struct model_cell *cells)
{
	cells_begin(cells);
	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		cells[s].trend = (struct trend){ VERDICT_UNKNOWN, NAN, NAN };
		cells[s].evidence = EVIDENCE_NONE;
	}
}

void model_cells_unknown(struct model_cell *cells, enum seep_slot total)
{
	for (enum seep_slot s = total; s < SLOT_MAX && slot_info(s)->total == total; s++)
		cells[s].live = LIVE_UNKNOWN;
}

void model_begin(struct model *m, double now)
{
	m->now = now;
	m->census++;
	if (!m->started)
		m->started = now;
}

static struct model_process **hash_slot(struct model *m, pid_t pid)
{
	return &m->by_pid[(unsigned int)pid % MODEL_HASH];
}

struct model_process *model_find(const struct model *m, pid_t pid)
{
	struct model_process *p = m->by_pid[(unsigned int)pid % MODEL_HASH];

	while (p && p->pid != pid)
		p = p->same_hash;
	return p;
}

/* Forget everything but the place in the lists: the number belongs to another program now. */
static void process_renew(struct model_process *p)
{
	struct model_process kept = { .pid = p->pid, .next = p->next, .same_hash = p->same_hash };

	cells_free(p->cells);
	ages_free(p->ages);
	free(p->exe);
	free(p->cgroup);
	*p = kept;
	cells_init(p->cells);
}

static struct model_process *process_new(struct model *m, pid_t pid)
{
	struct model_process *p = calloc(1, sizeof(*p)), **slot = hash_slot(m, pid);

	if (!p) {
		m->lost[LOSS_MODEL][LOSS_NO_MEMORY]++;
		return NULL;
	}
	p->pid = pid;
	p->same_hash = *slot;
	*slot = p;
	p->next = m->processes;
	m->processes = p;
	m->n_processes++;
	cells_init(p->cells);
	return p;
}

struct model_process *model_process(struct model *m, pid_t pid, uint64_t start, uint64_t exec_id,
				    bool *ret_fresh)
{
	struct model_process *p = model_find(m, pid);
	bool fresh = !p || p->start != start || p->exec_id != exec_id;

	if (!p)
		p = process_new(m, pid);
	else if (fresh)
		process_renew(p);
	if (!p)
		return NULL;
	if (p->seen != m->census) {
		cells_begin(p->cells);
		memset(p->bounds, 0, sizeof(p->bounds));
		p->n_peers = 0;
		p->reason = NULL;
	}
	p->start = start;
	p->exec_id = exec_id;
	p->seen = m->census;
	*ret_fresh = fresh;
	return p;
}

struct model_netns *model_netns(struct model *m, uint32_t inode)
{
	struct model_netns *n = m->netns;

	while (n && n->inode != inode)
		n = n->next;
	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n) {
			m->lost[LOSS_MODEL][LOSS_NO_MEMORY]++;
			return NULL;
		}
		n->inode = inode;
		cells_init(n->cells);
		n->next = m->netns;
		m->netns = n;
	}
	if (n->seen != m->census) {
		cells_begin(n->cells);
		n->reason = NULL;
	}
	n->seen = m->census;
	return n;
}

void model_set_rung(struct model *m, const char *topic, const char *rung, const char *reason)
{
	struct model_rung *r = &m->rungs[m->n_rungs];

	if (m->n_rungs == MODEL_RUNGS)
		return;
	m->n_rungs++;
	r->topic = topic;
	r->rung = rung;
	snprintf(r->reason, sizeof(r->reason), "%s", reason ? reason : "");
}

static void unhash(struct model *m, struct model_process *p)
{
	struct model_process **at = hash_slot(m, p->pid);

	while (*at != p)
		at = &(*at)->same_hash;
	*at = p->same_hash;
	m->n_processes--;
}

static void drop_unseen(struct model *m)
{
	for (struct model_process **at = &m->processes, *p; (p = *at);) {
		if (p->seen == m->census) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		unhash(m, p);
		process_free(p);
	}
	for (struct model_netns **at = &m->netns, *n; (n = *at);) {
		if (n->seen == m->census) {
			at = &n->next;
			continue;
		}
		*at = n->next;
		netns_free(n);
	}
}

/* Of a cell that has a series; taken: what the trend is to see, unless live is unknown. */
static void move_trend(struct model *m, struct model_cell *c, int64_t taken)
{
	if (c->live != LIVE_UNKNOWN)
		series_add(c->series, m->now, (double)taken, m->window);
	c->trend = series_trend(c->series);
	c->evidence = series_evidence(c->series);
	c->evidence.old = c->old != LIVE_UNKNOWN;
}

void model_cell_adopt(struct model *m, struct model_cell *c, struct series *s, int64_t taken)
{
	series_free(c->series);
	c->series = s;
	move_trend(m, c, taken);
}

/* A slot that was never used has no series: most of them, of most processes. */
void model_cells_trend(struct model *m, struct model_cell *cells, const struct taken *taken,
		       bool restarts)
{
	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		struct model_cell *c = &cells[s];

		if (c->live == LIVE_UNKNOWN || (!c->series && c->live == 0))
			continue;
		if (!c->series && !(c->series = series_new(restarts))) {
			m->lost[LOSS_MODEL][LOSS_NO_MEMORY]++;
			continue;
		}
		move_trend(m, c, taken_of(cells, s, taken));
	}
}

void model_measure_taken(const struct model *m, struct model_process *p)
{
	p->taken = taken_measure(&p->taken_base, p->cells, p->virtual_bytes,
				 p->go.read ? p->go.heap_fresh : 0, m->now, m->window);
}

void model_end(struct model *m)
{
	static const struct taken none;

	drop_unseen(m);
	model_for_each_process (m, p) {
		model_measure_taken(m, p);
		model_cells_trend(m, p->cells, &p->taken, false);
	}
	model_for_each_netns(m, n) model_cells_trend(m, n->cells, &none, false);
	groups_sum(m);
}
