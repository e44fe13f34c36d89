// SPDX-License-Identifier: GPL-2.0-only
/*
 * The timers that wait in the heaps of the processors, by what they will call. A timer's maker is
 * not recorded by the runtime; a callback of the program's own tells it by its name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/base/cleanup.h"
#include "agent/base/message.h"
#include "agent/runtime/go/timers.h"

#define PROCESSORS_MAX 4096u
#define TIMERS_LIMIT   (2u << 20)
#define CALLBACKS      64 /* of the runtime: a handful */
#define LAYOUT_TRIES   3  /* a heap may change while it is looked at */

/* Words that a timer which was stopped still bears: enum of runtime/time.go before Go 1.23, then a
 * bit. */
enum { OLD_NONE = 0, OLD_DELETED = 3, OLD_REMOVING = 4, OLD_REMOVED = 5, NEW_ZOMBIE = 4 };

/* What the runtime itself is called back by, and what that means. */
static const struct {
	const char *name;
	enum go_timer_kind kind;
} callback_names[] = {
	{ "time.goFunc", GO_TIMER_CALLBACK },
	{ "time.sendTime", GO_TIMER_ONCE },
	{ "runtime.goroutineReady", GO_TIMER_SLEEP },
	{ "runtime.netpollDeadline", GO_TIMER_DEADLINE },
	{ "runtime.netpollReadDeadline", GO_TIMER_DEADLINE },
	{ "runtime.netpollWriteDeadline", GO_TIMER_DEADLINE },
};

struct callback {
	uint64_t value; /* address of the function value */
	uint64_t pc;
	enum go_timer_kind kind;
};

struct list {
	struct go_item *rows;
	size_t n, capacity;
};

/* A timer with a callback of the program's own. */
struct user_timer {
	uint64_t address, when;
};

struct scan {
	struct go_builder *builder;
	const struct go_layout *layout;
	struct callback callbacks[CALLBACKS];
	size_t n_callbacks;
	struct list timers;
	struct list values;	 /* function values of the program's own callbacks, and of */
	struct user_timer *user; /* which timer each is: its tag */
	uint64_t now;
};

/* Room for so many more. */
static int reserve(struct list *l, size_t n)
{
	size_t capacity = 2 * (l->n + n) + 64;
	struct go_item *grown;

	if (l->n + n > TIMERS_LIMIT)
		return -E2BIG;
	if (l->n + n <= l->capacity)
		return 0;
	grown = reallocarray(l->rows, capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	l->rows = grown;
	l->capacity = capacity;
	return 0;
}

static enum go_timer_kind kind_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(callback_names); i++)
		if (strcmp(name, callback_names[i].name) == 0)
			return callback_names[i].kind;
	return GO_TIMER_OTHER;
}

static bool name_at(struct go_process *p, uint64_t pc, char *dst, size_t size)
{
	struct go_function f;

	return go_table_find(&p->module.table, pc, &f) == 0 &&
	       go_table_name(&p->module.table, &f, dst, size) == 0;
}

/* A function value points to its code. NULL when it does not. */
static const struct callback *get_callback(struct scan *s, uint64_t value)
{
	struct go_process *p = s->builder->process;
	struct callback *c;
	char name[GO_NAME_MAX];
	uint64_t pc;

	for (size_t i = 0; i < s->n_callbacks; i++)
		if (s->callbacks[i].value == value)
			return &s->callbacks[i];
	if (s->n_callbacks == CALLBACKS || go_memory_word(&p->memory, value, &pc) < 0 ||
	    !name_at(p, pc, name, sizeof(name)))
		return NULL;
	c = &s->callbacks[s->n_callbacks++];
	*c = (struct callback){ .value = value, .pc = pc, .kind = kind_of(name) };
	return c;
}

bool go_timer_is_stopped(const struct go_layout *l, const uint8_t *bytes)
{
	uint32_t state = l->timer_pairs ? bytes[l->timer_state] : go_u32(bytes + l->timer_state);

	if (l->timer_pairs)
		return state & NEW_ZOMBIE;
	return state == OLD_NONE || (state >= OLD_DELETED && state <= OLD_REMOVED);
}

/* Index of the group, GO_TIMERS_MAX when there are too many already. */
static uint32_t find_group(struct go_report *r, enum go_timer_kind kind, uint16_t code,
			   uint64_t period)
{
	uint32_t i = 0;

	while (i < r->n_timers &&
	       !(r->timer_groups[i].kind == kind && r->timer_groups[i].code == code &&
		 r->timer_groups[i].period == period))
		i++;
	if (i == r->n_timers && i < GO_TIMERS_MAX)
		r->timer_groups[r->n_timers++] = (struct go_timer){
			.kind = kind, .code = code, .period = period, .left_most = INT64_MIN
		};
	return i;
}

/* Half as many from here on; which those are depends on nothing but themselves. */
static void thin_out(struct go_report *r)
{
	uint32_t n = 0;

	r->sampled *= 2;
	for (uint32_t i = 0; i < r->n_samples; i++)
		if (r->samples[i].identity % r->sampled == 0)
			r->samples[n++] = r->samples[i];
	r->n_samples = n;
}

/* A timer is told by its address, and one that fires once also by when: the address of one that
 * went may be another's by now. */
static void add_sample(struct go_report *r, uint32_t group, uint64_t address, uint64_t when)
{
	uint64_t identity = (address ^ when * 0xff51afd7ed558ccdull) * 0x9e3779b97f4a7c15ull;

	identity ^= identity >> 32;
	if (identity % r->sampled)
		return;
	if (r->n_samples == GO_SAMPLES)
		thin_out(r);
	if (r->n_samples < GO_SAMPLES && identity % r->sampled == 0)
		r->samples[r->n_samples++] =
			(struct go_sample){ .identity = identity, .group = group };
}

static void count_timer(struct scan *s, uint32_t group, uint64_t address, uint64_t when)
{
	struct go_report *r = s->builder->report;
	struct go_timer *t = &r->timer_groups[group];
	int64_t left = (int64_t)(when - s->now);

	if (group == GO_TIMERS_MAX)
		return;
	t->count++;
	if (left > t->left_most)
		t->left_most = left;
	add_sample(r, group, address, t->period ? 0 : when);
}

/* The function that time.AfterFunc was given is told once all are known, so that they are read
 * together; there is room for as many as there are timers. */
static void note_callback(struct scan *s, uint64_t address, const uint8_t *timer)
{
	size_t i = s->values.n++;

	s->user[i] = (struct user_timer){ address, go_u64(timer + s->layout->timer_when) };
	s->values.rows[i] = (struct go_item){ go_u64(timer + s->layout->timer_argument + 8), i };
}

static void take_timer(void *context, const struct go_item *item, const uint8_t *bytes)
{
	struct scan *s = context;
	struct go_builder *b = s->builder;
	const struct go_layout *l = s->layout;
	uint64_t period = go_u64(bytes + l->timer_period);
	const struct callback *c;
	enum go_timer_kind kind;
	uint16_t code = GO_CODES;

	if (go_timer_is_stopped(l, bytes))
		return;
	c = get_callback(s, go_u64(bytes + l->timer_callback));
	if (!c) {
		b->report->implausible++;
		return;
	}
	b->report->timers++;
	if (c->kind == GO_TIMER_CALLBACK) {
		note_callback(s, item->address, bytes);
		return;
	}
	kind = c->kind == GO_TIMER_ONCE && period ? GO_TIMER_TICKER : c->kind;
	if (kind == GO_TIMER_OTHER)
		code = go_builder_code(b, c->pc, false);
	count_timer(s, find_group(b->report, kind, code, period), item->address,
		    go_u64(bytes + l->timer_when));
}

static enum go_timer_kind user_kind(struct go_process *p, uint64_t pc)
{
	char name[GO_NAME_MAX];

	return name_at(p, pc, name, sizeof(name)) && strncmp(name, "context.", 8) == 0
		       ? GO_TIMER_CONTEXT
		       : GO_TIMER_CALLBACK;
}

static void take_user(void *context, const struct go_item *item, const uint8_t *bytes)
{
	struct scan *s = context;
	struct go_builder *b = s->builder;
	const struct user_timer *t = &s->user[item->tag];
	uint64_t pc = go_u64(bytes);

	if (!go_module_is_code(&b->process->module, pc)) {
		b->report->implausible++;
		return;
	}
	count_timer(s,
		    find_group(b->report, user_kind(b->process, pc), go_builder_code(b, pc, false),
			       0),
		    t->address, t->when);
}

/* The heap of one processor. */
static int read_heap(struct go_process *process, uint64_t p, struct list *list)
{
	const struct go_layout *l = &process->layout;
	struct go_memory *m = &process->memory;
	size_t step = l->timer_pairs ? 2 : 1;
	_cleanup_free_ uint64_t *heap = NULL;
	uint64_t slice[3];
	int r = go_memory_read(m, p + l->p_timers + (l->timer_pairs ? 8 : 0), slice, sizeof(slice));

	if (r < 0 || slice[1] == 0)
		return r;
	if (slice[1] > slice[2])
		return -EPROTO;
	if (slice[1] > TIMERS_LIMIT)
		return -E2BIG;
	heap = malloc(slice[1] * step * sizeof(*heap));
	if (!heap)
		return -ENOMEM;
	r = go_memory_read(m, slice[0], heap, slice[1] * step * sizeof(*heap));
	if (r == 0)
		r = reserve(list, slice[1]);
	for (size_t i = 0; r == 0 && i < slice[1]; i++)
		list->rows[list->n++] = (struct go_item){ .address = heap[i * step] };
	return r;
}

/* 0; -EAGAIN while no timer waits that the offsets could be checked by. */
static int check_layout(struct go_process *process, uint64_t p)
{
	int r = -EPROTO;

	if (process->timers_known)
		return process->timers_broken ? -ENOTSUP : 0;
	for (int i = 0; i < LAYOUT_TRIES && r == -EPROTO; i++)
		r = go_layout_timers(&process->layout, &process->module, p);
	process->timers_known = r == 0 || r == -EPROTO;
	process->timers_broken = r == -EPROTO;
	return r == -EPROTO ? -ENOTSUP : r;
}

static int read_heaps(struct go_process *process, struct list *list)
{
	uint64_t slice[3], processors[PROCESSORS_MAX];
	int r = go_memory_read(&process->memory, process->variables.allp, slice, sizeof(slice));

	if (r == 0 && (slice[1] == 0 || slice[1] > slice[2] || slice[1] > PROCESSORS_MAX))
		r = -EPROTO;
	if (r == 0)
		r = go_memory_read(&process->memory, slice[0], processors,
				   slice[1] * sizeof(processors[0]));
	for (size_t i = 0; r == 0 && i < slice[1]; i++) {
		if (!processors[i])
			continue;
		r = check_layout(process, processors[i]);
		if (r == 0)
			r = read_heap(process, processors[i], list);
		if (r == -EAGAIN)
			r = 0;
	}
	return r;
}

int go_timers_list(struct go_process *p, struct go_item **ret, size_t *ret_n)
{
	struct list list = { 0 };
	int r = p->variables.allp ? read_heaps(p, &list) : -ENODATA;

	if (r < 0) {
		free(list.rows);
		return r;
	}
	*ret = list.rows;
	*ret_n = list.n;
	return 0;
}

static int scan_timers(struct scan *s)
{
	struct go_memory *m = &s->builder->process->memory;
	uint64_t away;
	int r = go_timers_list(s->builder->process, &s->timers.rows, &s->timers.n);

	if (r == 0)
		r = reserve(&s->values, s->timers.n);
	if (r == 0 && !(s->user = calloc(s->timers.n + 1, sizeof(*s->user))))
		r = -ENOMEM;
	if (r == 0)
		r = go_gather_most(m, s->timers.rows, s->timers.n, s->layout->timer_bytes,
				   take_timer, s, &away);
	if (r == 0)
		r = go_gather(m, s->values.rows, s->values.n, sizeof(uint64_t), take_user, s);
	return r;
}

enum go_status go_timers_scan(struct go_builder *b)
{
	struct go_process *p = b->process;
	struct scan s = { .builder = b, .layout = &p->layout, .now = monotonic_ns() };
	int r;

	if (!p->variables.allp)
		return GO_NO_VARIABLE;
	r = scan_timers(&s);
	free(s.timers.rows);
	free(s.values.rows);
	free(s.user);
	return r == -ENOTSUP ? GO_NO_LAYOUT : go_status_of(r);
}
