// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every goroutine, by the go statement that made it and what it waits for. The structs are never
 * given back, so a list of addresses stays right while it is read; a goroutine that ends meanwhile
 * is counted once too often or not at all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/panel.h"
#include "agent/runtime/go/process.h"
#include "agent/runtime/go/stack.h"

#define GOROUTINES_MAX (4u << 20) /* 32 MiB of addresses */
#define GROUPS_MAX     4096u	  /* told apart while counting; the report holds the largest */
#define GROUPS_FULL    (GROUPS_MAX * 3 / 4)
#define GOID_MAX       (1ull << 56)

/* Its status, without the bit that a collection sets while it scans the stack. */
enum {
	IDLE = 0,
	RUNNABLE = 1,
	RUNNING = 2,
	SYSCALL = 3,
	WAITING = 4,
	DEAD = 6,
	LEAKED = 10,
	DEAD_EXTRA = 11,
	STATUS_END = 12,
	STATUS_SCAN = 0x1000
};

struct group {
	uint64_t made, start, oldest, stack_bytes;
	uint8_t reason;
	bool waiting;
	uint32_t count, leaked;
	uint32_t by_age[GO_SLICES + 1];
	struct go_parked parked; /* of the oldest that waits */
};

struct scan {
	struct go_builder *builder;
	const struct go_layout *layout;
	struct group *groups; /* GROUPS_MAX, hashed */
	size_t n_groups;
	struct go_panel panel; /* the sample that was read */
};

static size_t hash(uint64_t made, uint64_t start, uint8_t reason)
{
	uint64_t h = (made * 31 + start) * 31 + reason;

	return (size_t)(h * 0x9e3779b97f4a7c15ull >> 40) % GROUPS_MAX;
}

/* NULL when there are too many kinds already. */
static struct group *find_group(struct scan *s, uint64_t made, uint64_t start, uint8_t reason,
				bool waiting)
{
	size_t at = hash(made, start, reason);
	struct group *g;

	for (; s->groups[at].count; at = (at + 1) % GROUPS_MAX) {
		g = &s->groups[at];
		if (g->made == made && g->start == start && g->reason == reason &&
		    g->waiting == waiting)
			return g;
	}
	if (s->n_groups == GROUPS_FULL)
		return NULL;
	s->n_groups++;
	g = &s->groups[at];
	g->made = made;
	g->start = start;
	g->reason = reason;
	g->waiting = waiting;
	g->oldest = UINT64_MAX;
	return g;
}

static size_t slice_of(const struct go_request *q, uint64_t goid)
{
	size_t i = 0;

	while (i < q->n_slices && goid > q->slices[i])
		i++;
	return i;
}

static struct go_parked where_parked(const struct go_layout *l, const uint8_t *bytes)
{
	return (struct go_parked){ .low = go_u64(bytes),
				   .high = go_u64(bytes + 8),
				   .sp = go_u64(bytes + l->g_sp),
				   .pc = go_u64(bytes + l->g_pc),
				   .bp = go_u64(bytes + l->g_bp),
				   .made = go_u64(bytes + l->g_gopc) };
}

static void count_one(struct scan *s, struct group *g, const uint8_t *bytes, uint32_t status)
{
	const struct go_layout *l = s->layout;
	uint64_t goid = go_u64(bytes + l->g_goid);

	g->count++;
	g->stack_bytes += go_u64(bytes + 8) - go_u64(bytes);
	g->leaked += status == LEAKED;
	g->by_age[slice_of(s->builder->request, goid)]++;
	if (goid >= g->oldest)
		return;
	g->oldest = goid;
	g->parked = where_parked(l, bytes);
}

static bool plausible(const struct scan *s, uint32_t status, uint64_t goid, uint64_t made,
		      uint64_t start)
{
	const struct go_module *m = &s->builder->process->module;

	return status < STATUS_END && goid && goid < GOID_MAX &&
	       (!made || go_module_is_code(m, made)) && go_module_is_code(m, start);
}

static void take_goroutine(void *context, const struct go_item *item, const uint8_t *bytes)
{
	struct scan *s = context;
	struct go_report *r = s->builder->report;
	const struct go_layout *l = s->layout;
	uint32_t status = go_u32(bytes + l->g_status) & ~(uint32_t)STATUS_SCAN;
	uint64_t goid = go_u64(bytes + l->g_goid), made = go_u64(bytes + l->g_gopc);
	uint64_t start = go_u64(bytes + l->g_startpc);
	bool waiting = status == WAITING || status == LEAKED;
	struct group *g;

	if (status == DEAD || status == DEAD_EXTRA || status == IDLE) {
		r->dead++;
		return;
	}
	if (!plausible(s, status, goid, made, start)) {
		r->implausible++;
		return;
	}
	if (goid > r->last_goid)
		r->last_goid = goid;
	g = find_group(s, made, start, waiting ? bytes[l->g_wait_reason] : (uint8_t)status,
		       waiting);
	if (g)
		count_one(s, g, bytes, status);
	else
		r->other++;
}

static int compare_groups(const void *left, const void *right)
{
	const struct group *a = left, *b = right;

	return (a->count < b->count) - (a->count > b->count);
}

static const char *reason_text(const struct go_process *p, const struct group *g)
{
	if (g->waiting)
		return g->reason < GO_WAIT_REASONS ? p->wait_reasons[g->reason] : "";
	return g->reason == SYSCALL ? "syscall" : "running";
}

static void tell_group(struct scan *s, const struct group *g, bool with_stack)
{
	struct go_builder *b = s->builder;
	struct go_group *to = &b->report->groups[b->report->n_groups++];

	to->made = go_builder_code(b, g->made, true);
	to->start = go_builder_code(b, g->start, false);
	to->reason = go_builder_string(b, reason_text(b->process, g));
	to->count = g->count;
	to->leaked = g->leaked;
	to->oldest = g->oldest;
	to->stack_bytes = g->stack_bytes;
	memcpy(to->by_age, g->by_age, sizeof(to->by_age));
	if (with_stack && g->waiting)
		go_stack_tell(b, &g->parked, &to->stack, &to->n_stack);
}

/*
 * The runtime's own goroutines are no leak of the program: started by itself, running its code. A
 * coroutine starts in the runtime, too, but runs what the program gave to iter.Pull
 * (runtime/coro.go).
 */
static bool is_system(struct go_builder *b, const struct group *g)
{
	struct go_table *t = &b->process->module.table;
	struct go_function f;
	char name[GO_NAME_MAX];

	if (g->start == b->process->variables.main || go_table_find(t, g->start, &f) < 0 ||
	    go_table_name(t, &f, name, sizeof(name)) < 0)
		return false;
	return strncmp(name, "runtime.", 8) == 0 && strcmp(name, "runtime.corostart") != 0;
}

static void count_whole(struct go_report *r, const struct group *g)
{
	r->live += g->count;
	for (size_t i = 0; i <= GO_SLICES; i++)
		r->by_age[i] += g->by_age[i];
}

static void scale(const struct go_panel *p, struct group *g)
{
	g->count = (uint32_t)go_panel_scale(p, g->count);
	g->leaked = (uint32_t)go_panel_scale(p, g->leaked);
	g->stack_bytes = go_panel_scale(p, g->stack_bytes);
	for (size_t i = 0; i <= GO_SLICES; i++)
		g->by_age[i] = (uint32_t)go_panel_scale(p, g->by_age[i]);
}

static void tell(struct scan *s)
{
	struct go_builder *b = s->builder;
	struct go_report *r = b->report;
	size_t n = 0;

	for (size_t i = 0; i < GROUPS_MAX; i++)
		if (s->groups[i].count)
			s->groups[n++] = s->groups[i];
	qsort(s->groups, n, sizeof(s->groups[0]), compare_groups);
	r->dead = go_panel_scale(&s->panel, r->dead);
	r->live = r->other = go_panel_scale(&s->panel, r->other);
	for (size_t i = 0; i < n; i++) {
		struct group *g = &s->groups[i];

		if (is_system(b, g))
			continue;
		scale(&s->panel, g);
		count_whole(r, g);
		if (r->n_groups < b->request->groups && r->n_groups < GO_GROUPS)
			tell_group(s, g, r->n_groups < b->request->stacks);
		else
			r->other += g->count;
	}
}

/* The first n addresses of a slice, as items. */
static int read_list(struct go_memory *m, const uint64_t slice[3], size_t n, struct go_item **ret)
{
	uint64_t *list = go_scratch(GO_SCRATCH_LIST, n * sizeof(*list));
	struct go_item *items = go_scratch(GO_SCRATCH_ITEMS, n * sizeof(*items));
	int r = list && items ? go_memory_read(m, slice[0], list, n * sizeof(*list)) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		items[i] = (struct go_item){ .address = list[i] };
	*ret = items;
	return r;
}

/* The runtime grows the list by moving it; what it leaves behind stays right until it is collected,
 * and is read again when that happened meanwhile. The first most of them; 0: all. */
static int read_goroutines(struct go_memory *m, uint64_t allgs, size_t most, struct go_item **ret,
			   size_t *ret_n)
{
	uint64_t slice[3], again[3];
	int r = go_memory_read(m, allgs, slice, sizeof(slice));

	for (int tries = 0; r == 0 && tries < 3; tries++) {
		if (slice[1] == 0 || slice[1] > slice[2])
			return -EPROTO;
		*ret_n = most && slice[1] > most ? most : slice[1];
		if (*ret_n > GOROUTINES_MAX)
			return -E2BIG;
		r = read_list(m, slice, *ret_n, ret);
		if (r == 0)
			r = go_memory_read(m, allgs, again, sizeof(again));
		if (r == 0 && again[0] == slice[0])
			return 0;
		memcpy(slice, again, sizeof(slice));
	}
	return r < 0 ? r : -EPROTO;
}

/* Few of the groups were used, and only these are cleared. */
static struct group *clear_groups(void)
{
	static bool cleared;
	size_t size = GROUPS_MAX * sizeof(struct group);
	struct group *groups = go_scratch(GO_SCRATCH_GROUPS, size);

	if (groups && !cleared)
		memset(groups, 0, size);
	for (size_t i = 0; groups && i < GROUPS_MAX; i++)
		if (groups[i].count)
			groups[i] = (struct group){ 0 };
	cleared |= groups != NULL;
	return groups;
}

enum go_status go_goroutines_scan(struct go_builder *b)
{
	struct go_process *p = b->process;
	struct group *groups = clear_groups();
	struct scan s = { .builder = b, .layout = &p->layout, .groups = groups };
	struct go_item *items;
	uint64_t away;
	size_t n;
	int r;

	if (!p->variables.allgs || !p->variables.main)
		return GO_NO_VARIABLE;
	if (!p->goroutines)
		return GO_NO_LAYOUT;
	r = groups ? read_goroutines(&p->memory, p->variables.allgs, 0, &items, &n) : -ENOMEM;
	if (r == 0) {
		s.panel = go_panel_pick(items, &n, b->request->most);
		r = go_gather_most(&p->memory, items, n, p->layout.g_bytes, take_goroutine, &s,
				   &away);
	}
	if (r < 0)
		return go_status_of(r);
	b->report->count_error =
		go_panel_error(&s.panel, items, n) + go_panel_scale(&s.panel, away);
	tell(&s);
	return GO_READ;
}

struct waiting {
	const struct go_layout *layout;
	go_take_waiting take;
	void *context;
};

static void take_waiting(void *context, const struct go_item *item, const uint8_t *bytes)
{
	const struct waiting *w = context;
	struct go_parked g;

	if ((go_u32(bytes + w->layout->g_status) & ~(uint32_t)STATUS_SCAN) != WAITING)
		return;
	g = where_parked(w->layout, bytes);
	w->take(w->context, &g, bytes[w->layout->g_wait_reason]);
}

int go_goroutines_waiting(struct go_process *p, size_t most, go_take_waiting take, void *context)
{
	struct waiting w = { &p->layout, take, context };
	struct go_item *items;
	uint64_t away;
	size_t n;
	int r = p->goroutines ? read_goroutines(&p->memory, p->variables.allgs, most, &items, &n)
			      : -ENODATA;

	return r < 0 ? r
		     : go_gather_most(&p->memory, items, n, p->layout.g_bytes, take_waiting, &w,
				      &away);
}
