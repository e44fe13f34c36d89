// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <bpf/bpf.h>

#include "agent/base/cleanup.h"
#include "agent/base/clock.h"
#include "agent/probe/file.h"
#include "agent/probe/file_kinds.h"
#include "agent/probe/iterator.h"
#include "agent/probe/kernel_types.h"
#include "agent/probe/peers.h"
#include "agent/probe/watches.h"
#include "bpf/file.h"
#include "bpf/file.skel.h"

#define DELETED_BITS 12
#define DELETED_SEEN                                                                               \
	(1 << DELETED_BITS) /* half of them are used: a process's deleted files told apart */

struct file_census {
	struct file_bpf *skel;
	struct connections *connections; /* NULL: nobody asks */
	char missing[128];
};

/* What the rows of one sweep are put into: the table at hand and its process. */
struct sweep {
	struct model *model;
	struct model_process *p; /* NULL: not in the model */
	uint32_t thread;	 /* one that uses the table */
	struct peers peers;
	struct connections *connections;
	uint64_t deleted[DELETED_SEEN]; /* hashed by the upper bits, 0: free */
	size_t n_deleted;
};

/* In the order of include/net/tcp_states.h, from 1. */
static const enum seep_slot state_slots[] = {
	SLOT_TCP,
	SLOT_TCP_ESTABLISHED,
	SLOT_TCP_SYN_SENT,
	SLOT_TCP_SYN_RECV,
	SLOT_TCP_FIN_WAIT1,
	SLOT_TCP_FIN_WAIT2,
	SLOT_TCP_TIME_WAIT,
	SLOT_TCP_CLOSE,
	SLOT_TCP_CLOSE_WAIT,
	SLOT_TCP_LAST_ACK,
	SLOT_TCP_LISTEN,
	SLOT_TCP_CLOSING,
	SLOT_TCP_NEW_SYN_RECV,
};

size_t file_row_size(uint32_t type)
{
	switch (type) {
	case FILE_ROW_TABLE:
		return sizeof(struct file_table_row);
	case FILE_ROW_FILE:
		return sizeof(struct file_row);
	case FILE_ROW_SOCKET:
		return sizeof(struct file_socket_row);
	}
	return 0;
}

/* The table at hand is done. */
static void settle(struct sweep *s)
{
	if (s->p)
		peers_end(&s->peers, s->p);
	s->p = NULL;
}

static void forget_deleted(struct sweep *s)
{
	if (s->n_deleted)
		memset(s->deleted, 0, sizeof(s->deleted));
	s->n_deleted = 0;
}

static void take_table(struct sweep *s, const struct file_table_row *row)
{
	struct model_process *p = model_find(s->model, (pid_t)row->pid);

	settle(s);
	if (!p || p->seen != s->model->census)
		return;
	if (!p->ages && !(p->ages = ages_new())) {
		s->model->lost[LOSS_MODEL][LOSS_NO_MEMORY]++;
		return;
	}
	if (p->files_seen != s->model->census) {
		p->files_seen = s->model->census;
		ages_begin(p->ages);
		forget_deleted(s);
	}
	s->p = p;
	s->thread = row->thread;
	peers_begin(&s->peers, p);
	if (ages_table(p->ages, row->table) < 0)
		s->model->lost[LOSS_MODEL][LOSS_NO_MEMORY]++;
}

/* How long an object has been seen, in seconds, NAN when that is not known; and whether that is
 * longer than a trend window. */
struct seen {
	double age;
	bool old;
};

/* One object more in a kind and its total. */
static void count(struct sweep *s, enum seep_slot slot, struct seen seen)
{
	struct model_cell *cells = s->p->cells, *kind = &cells[slot],
			  *total = &cells[slot_info(slot)->total];

	model_cell_add(cells, slot, 1);
	kind->oldest = fmax(kind->oldest, seen.age);
	total->oldest = fmax(total->oldest, seen.age);
	if (!seen.old)
		return;
	kind->old++;
	if (total != kind)
		total->old++;
}

/* File and inode name an object; mixed so that either one changing changes the identity. */
static uint64_t identity_of(const struct file_row *row)
{
	return row->file ^ row->inode * 0x9e3779b97f4a7c15ULL;
}

/* A dup counts once. The number of an inode is that of its file system, which its operations tell
 * roughly. When all room is taken, further dups count twice. */
static bool is_known_deleted(struct sweep *s, const struct file_row *row)
{
	uint64_t key = ((row->inode ^ row->operations << 1) * 0x9e3779b97f4a7c15ULL) | 1;
	size_t at = key >> (64 - DELETED_BITS);

	while (s->deleted[at] && s->deleted[at] != key)
		at = (at + 1) % DELETED_SEEN;
	if (s->deleted[at])
		return true;
	if (s->n_deleted < DELETED_SEEN / 2) {
		s->deleted[at] = key;
		s->n_deleted++;
	}
	return false;
}

static void take_deleted(struct sweep *s, const struct file_row *row)
{
	if (!is_known_deleted(s, row))
		model_cell_add(s->p->cells, SLOT_DELETED, (int64_t)row->detail);
}

static struct seen take_file(struct sweep *s, const struct file_row *row)
{
	const struct model *m = s->model;
	double first = ages_seen(s->p->ages, row->fd, identity_of(row), m->now);
	/* All that the first census sees may be older than any age that it could tell, and is taken
	 * for old at once: else it would all come of age together, a window later. */
	double age = m->census == 1 ? NAN : m->now - first;
	struct seen seen;

	/* The kernel knows better how old a pipe is, to the second. */
	if (row->kind == FILE_KIND_PIPE && row->detail)
		age = fmax(age, m->now - (double)row->detail - 1);
	seen = (struct seen){ age, first <= m->started || age >= m->window };
	count(s, file_kinds_slot(row->kind), seen);
	if (row->kind == FILE_KIND_TIMERFD)
		count(s, SLOT_TIMER_TIMERFD, seen);
	if (row->kind == FILE_KIND_INOTIFY)
		watches_count(s->p, s->thread, row->fd);
	if (row->flags & FILE_DELETED)
		take_deleted(s, row);
	return seen;
}

static void take_listener(struct sweep *s, const struct file_socket_row *row)
{
	struct bound b = { BOUND_LISTEN_BACKLOG, row->max_backlog, row->backlog };

	model_cell_add(s->p->cells, SLOT_BACKLOG, row->backlog);
	bound_tighten(&s->p->bounds[SLOT_BACKLOG], &b);
}

static void take_tcp(struct sweep *s, const struct file_socket_row *row, struct seen seen)
{
	enum seep_slot slot =
		row->state < ARRAY_SIZE(state_slots) ? state_slots[row->state] : SLOT_TCP;

	count(s, slot, seen);
	if (s->connections)
		connections_note(s->connections, s->p->pid, row->local_port, row->remote_port);
	if (row->state == TCP_LISTEN)
		take_listener(s, row);
	else if (row->remote_port)
		peers_add(&s->peers, slot, row);
}

static void take_socket(struct sweep *s, const struct file_socket_row *row)
{
	struct seen seen = take_file(s, &row->file);

	if (row->family == AF_UNIX)
		count(s, SLOT_UNIX, seen);
	else if (row->family != AF_INET && row->family != AF_INET6)
		return;
	else if (row->protocol == IPPROTO_TCP)
		take_tcp(s, row, seen);
	else if (row->protocol == IPPROTO_UDP)
		count(s, SLOT_UDP, seen);
}

static void take_row(const void *row, void *context)
{
	struct sweep *s = context;
	uint32_t type = *(const uint32_t *)row;

	if (type == FILE_ROW_TABLE)
		take_table(s, row);
	else if (s->p && type == FILE_ROW_FILE)
		take_file(s, row);
	else if (s->p)
		take_socket(s, row);
}

/* Cells that this census counts have an old cohort; begin it at none. Timers of timer_create() have
 * no age: in the total of timers they are taken for old. */
static void begin_cohorts(struct model *m)
{
	model_for_each_process (m, p) {
		for (enum seep_slot s = SLOT_FD; s <= SLOT_TIMER_TIMERFD; s++)
			if (s != SLOT_BACKLOG)
				p->cells[s].old = 0;
		p->cells[SLOT_TIMER].old = p->cells[SLOT_TIMER_POSIX].live;
	}
}

/* What is in the map of tables serves one sweep; when it no longer has room it is emptied, so that
 * what was lost is lost once. */
static void make_room(struct file_census *c)
{
	int fd = bpf_map__fd(c->skel->maps.tables);
	uint64_t key[2];

	while (bpf_map_get_next_key(fd, NULL, key) == 0 && bpf_map_delete_elem(fd, key) == 0)
		;
}

int file_census_run(struct file_census *c, struct model *m)
{
	static struct sweep s; /* too large for a stack; one sweep at a time */
	uint64_t lost = c->skel->bss->lost_tables;
	int r;

	s.model = m;
	s.p = NULL;
	s.connections = c->connections;
	if (s.connections)
		connections_begin(s.connections);
	begin_cohorts(m);
	r = iterator_run(c->skel->links.census_file, file_row_size, take_row, &s);
	settle(&s);
	m->lost[LOSS_FD][LOSS_MAP_FULL] += c->skel->bss->lost_tables;
	if (c->skel->bss->lost_tables != lost)
		make_room(c);
	return r;
}

void file_census_note(struct file_census *f, struct connections *c)
{
	f->connections = c;
}

const char *file_census_missing(const struct file_census *c)
{
	return c->missing;
}

int file_census_new(pid_t only_pid, struct file_census **ret)
{
	struct file_census *c = calloc(1, sizeof(*c));
	uint32_t own;
	int r;

	if (!c)
		return -ENOMEM;
	r = iterator_own_namespace(&own);
	if (r == 0 && !(c->skel = file_bpf__open_opts(kernel_types())))
		r = -errno;
	if (r == 0) {
		c->skel->rodata->own_inode = own;
		r = file_bpf__load(c->skel);
	}
	if (r == 0)
		r = file_bpf__attach(c->skel);
	if (r == 0)
		r = file_kinds_learn(c->skel, c->missing, sizeof(c->missing));
	if (r < 0) {
		file_census_free(c);
		return r;
	}
	c->skel->bss->only_pid = (uint32_t)only_pid;
	*ret = c;
	return 0;
}

void file_census_free(struct file_census *c)
{
	if (!c)
		return;
	file_bpf__destroy(c->skel);
	free(c);
}
