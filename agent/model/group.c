// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/group.h"
#include "agent/model/holder.h"

#define CONTAINER_ID_CHARS 64
#define CONTAINER_ID_SHOWN 12
#define FORGET_WINDOWS	   4 /* after which a group without a process is dropped */

/* The last run of at least 64 hexadecimal digits: how every runtime names a container's cgroup. */
static const char *container_id(const char *cgroup)
{
	const char *found = NULL;
	size_t run = 0;

	for (const char *c = cgroup; *c; c++) {
		run = isxdigit((unsigned char)*c) ? run + 1 : 0;
		if (run >= CONTAINER_ID_CHARS)
			found = c + 1 - CONTAINER_ID_CHARS;
	}
	return found;
}

/* The last component of the path that ends so, or NULL; *ret_len is its length. */
static const char *last_component(const char *path, const char *suffix, size_t *ret_len)
{
	const char *found = NULL;

	for (const char *begin = path; *begin;) {
		size_t len = strcspn(begin, "/"), tail = strlen(suffix);

		if (len > tail && strncmp(begin + len - tail, suffix, tail) == 0) {
			found = begin;
			*ret_len = len;
		}
		begin += len;
		begin += *begin == '/';
	}
	return found;
}

/* "postgresql@15-main.service" is one of "postgresql@.service". */
static void copy_unit(const char *unit, size_t len, char *dst, size_t size)
{
	const char *at = memchr(unit, '@', len),
		   *dot = at ? memrchr(at, '.', len - (size_t)(at - unit)) : NULL;

	if (dot)
		snprintf(dst, size, "%.*s@%.*s", (int)(at - unit), unit, (int)(unit + len - dot),
			 dot);
	else
		snprintf(dst, size, "%.*s", (int)len, unit);
}

/* A scope is a session or something that was started by hand: its name carries a number. */
static bool is_lasting_scope(const char *scope, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (isdigit((unsigned char)scope[i]))
			return false;
	return true;
}

static void owner_name(const char *cgroup, char *dst, size_t size)
{
	const char *found = container_id(cgroup);
	size_t len;

	if (found) {
		snprintf(dst, size, "container:%.*s", CONTAINER_ID_SHOWN, found);
		return;
	}
	found = last_component(cgroup, ".service", &len);
	if (!found) {
		found = last_component(cgroup, ".scope", &len);
		if (found && !is_lasting_scope(found, len))
			found = NULL;
	}
	if (found)
		copy_unit(found, len, dst, size);
	else
		snprintf(dst, size, "session");
}

void group_name(const char *cgroup, const char *exe, const char *comm, char *dst, size_t size)
{
	static const char deleted[] = " (deleted)";
	const char *base = exe && *exe ? exe : comm, *slash = strrchr(base, '/');
	char owner[256];
	size_t len;

	base = slash ? slash + 1 : base;
	len = strlen(base);
	if (len > sizeof(deleted) - 1 && strcmp(base + len - (sizeof(deleted) - 1), deleted) == 0)
		len -= sizeof(deleted) - 1;
	owner_name(cgroup ? cgroup : "", owner, sizeof(owner));
	snprintf(dst, size, "%s/%.*s", owner, (int)len, base);
}

static struct model_group *find_group(struct model *m, const char *name)
{
	struct model_group *g = m->groups;

	while (g && strcmp(g->name, name) != 0)
		g = g->next;
	return g;
}

static struct model_group *new_group(struct model *m, const char *name)
{
	struct model_group *g = calloc(1, sizeof(*g));

	if (!g || !(g->name = strdup(name))) {
		free(g);
		return NULL;
	}
	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		g->cells[s].trend = (struct trend){ VERDICT_UNKNOWN, NAN, NAN };
		g->cells[s].evidence = EVIDENCE_NONE;
		g->soonest[s] = FORECAST_NONE;
	}
	g->next = m->groups;
	m->groups = g;
	m->n_groups++;
	return g;
}

struct model_group *model_group(struct model *m, const char *name)
{
	struct model_group *g = find_group(m, name);

	if (!g)
		g = new_group(m, name);
	if (g)
		g->seen = m->census;
	return g;
}

int model_set_group(struct model *m, struct model_process *p)
{
	char name[512];
	struct model_group *g;

	if (p->kernel_thread)
		snprintf(name, sizeof(name), "kernel");
	else
		group_name(p->cgroup, p->exe, p->comm, name, sizeof(name));
	g = model_group(m, name);
	if (!g)
		return -ENOMEM;
	p->group = g;
	return 0;
}

static void groups_begin(struct model *m)
{
	model_for_each_group (m, g) {
		g->processes = 0;
		memset(g->bounds, 0, sizeof(g->bounds));
		g->taken = (struct taken){ 0 };
		gogroup_begin(&g->go);
		for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
			g->cells[s].live = 0;
			g->cells[s].old = LIVE_UNKNOWN;
			g->cells[s].oldest = NAN;
		}
	}
}

/* Shared and file pages are the same pages in every process of a service: only the largest share
 * counts. An address space that processes share counts for the first of them. */
static bool counts_once(enum seep_slot s)
{
	return s == SLOT_MEMORY_FILE || s == SLOT_MEMORY_SHMEM;
}

static bool is_memory(enum seep_slot s)
{
	enum seep_slot total = slot_info(s)->total;

	return total == SLOT_MEMORY || total == SLOT_MAPPING;
}

static bool shares_address_space(const struct model *m, const struct model_process *p)
{
	const struct model_process *parent = p->mm && p->parent ? model_find(m, p->parent) : NULL;

	return parent && parent->mm == p->mm && parent->group == p->group;
}

static void add_cell(struct model_cell *sum, const struct model_cell *c, enum seep_slot s)
{
	if (c->live == LIVE_UNKNOWN)
		return;
	if (counts_once(s))
		sum->live = c->live > sum->live ? c->live : sum->live;
	else
		sum->live += c->live;
	if (c->old != LIVE_UNKNOWN)
		sum->old = c->old + (sum->old == LIVE_UNKNOWN ? 0 : sum->old);
	sum->oldest = fmax(sum->oldest, c->oldest); /* fmax ignores a NAN */
}

static void add_process(const struct model *m, struct model_group *g, struct model_process *p)
{
	bool shares = shares_address_space(m, p);

	g->processes++;
	g->seen = m->census;
	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		if (s == SLOT_MEMORY || (shares && is_memory(s)))
			continue;
		add_cell(&g->cells[s], &p->cells[s], s);
		bound_tighten(&g->bounds[s], &p->bounds[s]);
	}
	bound_tighten(&g->bounds[SLOT_MEMORY], &p->bounds[SLOT_MEMORY]);
	taken_add(&g->taken, &p->taken);
	gogroup_add(&g->go, &p->go);
}

static void drop_forgotten(struct model *m)
{
	uint64_t patience = (uint64_t)(FORGET_WINDOWS * m->window / m->interval) + 1;

	for (struct model_group **at = &m->groups, *g; (g = *at);) {
		if (g->processes || m->census - g->seen < patience) {
			at = &g->next;
			continue;
		}
		*at = g->next;
		m->n_groups--;
		for (enum seep_slot s = 0; s < SLOT_MAX; s++)
			series_free(g->cells[s].series);
		free(g->name);
		free(g);
	}
}

void groups_sum(struct model *m)
{
	groups_begin(m);
	model_for_each_process (m, p)
		if (p->group)
			add_process(m, p->group, p);
	model_for_each_group (m, g)
		for (enum seep_slot s = SLOT_MEMORY + 1; slot_info(s)->total == SLOT_MEMORY; s++)
			g->cells[SLOT_MEMORY].live += g->cells[s].live;
	drop_forgotten(m);
	model_for_each_group (m, g)
		model_cells_trend(m, g->cells, &g->taken, true);
	groups_forecast(m);
}

static void forecast_process(struct model_group *g, const struct model_process *p)
{
	struct holder h = { .process = p };

	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		struct forecast f;

		if (p->cells[s].trend.verdict < VERDICT_WARMING ||
		    !bound_is_own(holder_bound(&h, s)->source))
			continue;
		f = holder_forecast(&h, s);
		if (!(g->soonest[s].eta <= f.eta)) /* or NAN */
			g->soonest[s] = f;
	}
}

void groups_forecast(struct model *m)
{
	model_for_each_group (m, g)
		for (enum seep_slot s = 0; s < SLOT_MAX; s++)
			g->soonest[s] = FORECAST_NONE;
	model_for_each_process (m, p)
		if (p->group)
			forecast_process(p->group, p);
}

void groups_free(struct model *m)
{
	for (struct model_group *g = m->groups, *next; g; g = next) {
		next = g->next;
		for (enum seep_slot s = 0; s < SLOT_MAX; s++)
			series_free(g->cells[s].series);
		free(g->name);
		free(g);
	}
	m->groups = NULL;
}
