// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/base/message.h"
#include "agent/runtime/go/allowance.h"
#include "agent/runtime/go/cells.h"
#include "agent/runtime/go/census.h"
#include "agent/runtime/go/go.h"

#define PROGRAMS_MAX	48 /* read in turn; the reader keeps what it learned of 64 processes */
#define HASH		1024
#define SCAN_NS		5000000000ull
#define IDENTIFY_NS	50000000ull /* of one census: most processes are no Go programs */
#define LEAST_THREADS	3	    /* Go starts some by itself, whatever the program does */
#define COST_SHARE	0.002
#define LEAST_INTERVAL	2   /* seconds; a shorter one is for playing, and may cost more */
#define FIRST_CREDIT	0.2 /* CPU seconds, to learn the programs that run when seep starts */
#define CREDIT_CENSUSES 10
#define WAIT_SHARE	0.05 /* of time, for new programs that do not answer within SCAN_NS */
#define TURN_SHARE	0.1  /* of an interval, that a busy host may make the readings wait */
#define LOOK_AGAIN	30   /* censuses, at a program that is not all there to be read */
#define MARKS		32   /* of goroutine ids over a window and what is before it */

/* At that time the largest goroutine id was this. */
struct mark {
	double at;
	uint64_t goid;
};

enum state { UNKNOWN, OTHER, PROGRAM, UNREADABLE };

struct program {
	pid_t pid;
	uint64_t start, exec_id; /* of the process, as the model has them */
	uint64_t seen;		 /* census */
	enum state state;
	int error;
	uint64_t looked;  /* census in which it was asked whether it runs Go */
	uint64_t scanned; /* census */
	struct go_report *report;
	struct go_work work;
	struct mark marks[MARKS];
	size_t n_marks;
	int64_t old; /* goroutines that are older than a window, or LIVE_UNKNOWN */
	struct program *next;
};

struct go_census {
	pid_t only_pid;
	struct late_reader *reader;
	struct reader *asked; /* NULL until there is somebody to read */
	struct program *programs[HASH];
	size_t n_read;	       /* of them are PROGRAM */
	struct allowance cost; /* CPU time of readings */
	struct allowance patience;
	bool began;
};

int go_census_new(pid_t only_pid, struct late_reader *reader, struct go_census **ret)
{
	struct go_census *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->only_pid = only_pid;
	c->reader = reader;
	c->cost = (struct allowance){ .share = COST_SHARE, .left = FIRST_CREDIT };
	c->patience = (struct allowance){ .share = WAIT_SHARE,
					  .left = 2e-9 * SCAN_NS,
					  .most = 2e-9 * SCAN_NS };
	*ret = c;
	return 0;
}

static void program_free(struct program *g)
{
	free(g->report);
	free(g);
}

void go_census_free(struct go_census *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < HASH; i++) {
		for (struct program *g = c->programs[i], *next; g; g = next) {
			next = g->next;
			program_free(g);
		}
	}
	free(c);
}

static struct program **hash_slot(const struct go_census *c, pid_t pid)
{
	return (struct program **)&c->programs[(unsigned int)pid % HASH];
}

static struct program *find(const struct go_census *c, const struct model_process *p)
{
	struct program *g = *hash_slot(c, p->pid);

	while (g && !(g->pid == p->pid && g->start == p->start && g->exec_id == p->exec_id))
		g = g->next;
	return g;
}

static struct program *get(struct go_census *c, const struct model_process *p)
{
	struct program *g = find(c, p), **slot = hash_slot(c, p->pid);

	if (g)
		return g;
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->pid = p->pid;
	g->start = p->start;
	g->exec_id = p->exec_id;
	g->old = LIVE_UNKNOWN;
	g->next = *slot;
	*slot = g;
	return g;
}

static void drop_ended(struct go_census *c, uint64_t census)
{
	for (size_t i = 0; i < HASH; i++) {
		for (struct program **at = &c->programs[i], *g; (g = *at);) {
			if (g->seen == census) {
				at = &g->next;
				continue;
			}
			if (c->asked)
				reader_forget(c->asked, g->pid);
			c->n_read -= g->state == PROGRAM;
			*at = g->next;
			program_free(g);
		}
	}
}

static bool have_reader(struct go_census *c, struct model *m)
{
	if (c->asked)
		return true;
	c->asked = late_reader_get(c->reader);
	if (c->asked)
		model_set_rung(m, "go", "memory", NULL);
	else
		model_set_rung(m, "go", "none", "the reader cannot be started");
	return c->asked;
}

/* The newest id that is older than a window; 0 while none is. */
static uint64_t mark_before(const struct program *g, double time)
{
	uint64_t goid = 0;

	for (size_t i = 0; i < g->n_marks; i++)
		if (g->marks[i].at <= time)
			goid = g->marks[i].goid;
	return goid;
}

/* Marks stand a fraction of a window apart, so that they reach back beyond it. */
static void add_mark(struct program *g, double now, double window, uint64_t goid)
{
	if (g->n_marks && now - g->marks[g->n_marks - 1].at < window / (MARKS - 4))
		return;
	if (g->n_marks == MARKS) {
		memmove(g->marks, g->marks + 1, (MARKS - 1) * sizeof(g->marks[0]));
		g->n_marks--;
	}
	g->marks[g->n_marks++] = (struct mark){ now, goid };
}

static void count_losses(struct model *m, const struct go_report *r, int e)
{
	if (r)
		go_count_unread(&r->unread, m->lost[LOSS_GO]);
	if (e == -ETIMEDOUT)
		m->lost[LOSS_GO][LOSS_TIMEOUT]++;
	else if (e == -EPIPE)
		m->lost[LOSS_GO][LOSS_CRASHED]++;
	else if (e == -ENXIO)
		m->lost[LOSS_GO][LOSS_NOT_PRESENT]++;
}

static void scan(struct go_census *c, struct model *m, struct program *g)
{
	struct go_request request = { .wanted = 1u << GO_GOROUTINES | 1u << GO_TIMERS |
						1u << GO_COLLECTOR | 1u << GO_CHANNELS |
						1u << GO_POOLS,
				      .most = GO_MOST };
	uint64_t before = mark_before(g, m->now - m->window);
	struct go_report *report = NULL;
	int e;

	request.slices[0] = before;
	request.n_slices = before > 0;
	g->scanned = m->census;
	e = go_scan(c->asked, g->pid, &request, SCAN_NS, &report);
	count_losses(m, report, e);
	g->error = e;
	if (e < 0) {
		free(TAKE_PTR(g->report)); /* what it held once is not what it holds */
		return;
	}
	allowance_spend(&c->cost,
			(double)(report->cpu_ns + (g->report ? 0 : report->attach_ns)) / NS_PER_S);
	free(g->report);
	g->report = report;
	if (report->status[GO_COLLECTOR] == GO_READ)
		g->work = go_work_read(g->pid, &report->collector);
	if (report->status[GO_GOROUTINES] != GO_READ)
		return;
	g->old = before ? (int64_t)report->by_age[0] : LIVE_UNKNOWN;
	add_mark(g, m->now, m->window, report->last_goid);
}

/* Whether it runs Go is asked once; the reader's place is free for others when it does not. */
static void identify(struct go_census *c, struct model *m, struct program *g)
{
	struct go_request request = { 0 };
	struct go_report *report = NULL;
	int e = go_scan(c->asked, g->pid, &request, SCAN_NS, &report);

	free(report);
	g->looked = m->census;
	if (e == 0 && c->n_read == PROGRAMS_MAX)
		e = -ENOSPC;
	g->error = e;
	if (e == -ETIMEDOUT) {
		m->lost[LOSS_GO][LOSS_TIMEOUT]++;
		allowance_spend(&c->patience, 1e-9 * SCAN_NS);
	}
	c->n_read += e == 0;
	g->state = e == 0 ? PROGRAM : e == -ENOEXEC || e == -ESRCH ? OTHER : UNREADABLE;
	if (e < 0)
		reader_forget(c->asked, g->pid);
}

/* One for which there was no place may have one by now; one that was swapped out may be back. */
static bool is_open(const struct go_census *c, const struct model *m, const struct program *g)
{
	return g->state == UNKNOWN || g->error == -EAGAIN ||
	       (g->state == UNREADABLE && g->error == -ENXIO &&
		m->census - g->looked >= LOOK_AGAIN) ||
	       (g->error == -ENOSPC && c->n_read < PROGRAMS_MAX);
}

static bool may_be_go(const struct go_census *c, const struct model_process *p)
{
	return !p->kernel_thread && !p->zombie && p->cells[SLOT_THREAD].live >= LEAST_THREADS &&
	       (!c->only_pid || p->pid == c->only_pid);
}

static void identify_new(struct go_census *c, struct model *m)
{
	uint64_t deadline = monotonic_ns() + IDENTIFY_NS; /* of a few hundred */

	model_for_each_process (m, p) {
		struct program *g;

		if (p->seen != m->census || !may_be_go(c, p))
			continue;
		g = get(c, p);
		if (!g)
			continue;
		g->seen = m->census;
		if (is_open(c, m, g) && monotonic_ns() < deadline &&
		    allowance_is_left(&c->patience) && have_reader(c, m))
			identify(c, m, g);
	}
}

/* Whose turn it is: the one that was read longest ago. */
static struct program *next_turn(const struct go_census *c, uint64_t census)
{
	struct program *best = NULL;

	for (size_t i = 0; i < HASH; i++)
		for (struct program *g = c->programs[i]; g; g = g->next)
			if (g->state == PROGRAM && g->scanned != census &&
			    (!best || g->scanned < best->scanned))
				best = g;
	return best;
}

static void earn(struct go_census *c, const struct model *m)
{
	double interval = m->interval > LEAST_INTERVAL ? m->interval : LEAST_INTERVAL;

	c->cost.most = fmax(FIRST_CREDIT, COST_SHARE * interval * CREDIT_CENSUSES);
	if (c->began) {
		allowance_earn(&c->cost, interval);
		allowance_earn(&c->patience, m->interval);
	}
	c->began = true;
}

/* One at least has its turn, however busy the host is. */
static void take_turns(struct go_census *c, struct model *m)
{
	uint64_t end = monotonic_ns() + (uint64_t)(m->interval * TURN_SHARE * NS_PER_S);
	struct program *g;

	for (int n = 0; n < PROGRAMS_MAX && allowance_is_left(&c->cost); n++) {
		g = n && monotonic_ns() > end ? NULL : next_turn(c, m->census);
		if (!g)
			return;
		scan(c, m, g);
	}
}

void go_census_run(struct go_census *c, struct model *m)
{
	struct program *g;

	earn(c, m);
	identify_new(c, m);
	drop_ended(c, m->census);
	take_turns(c, m);
	model_for_each_process (m, p) {
		g = p->seen == m->census ? find(c, p) : NULL;
		if (g && (g->state == PROGRAM || g->state == UNREADABLE))
			go_cells_fill(g->report, g->error, &g->work, g->old, p);
	}
}
