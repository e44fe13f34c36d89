// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/libbpf.h>

#include "agent/base/cleanup.h"
#include "agent/probe/iterator.h"
#include "agent/probe/kernel_types.h"
#include "agent/probe/memlock.h"
#include "bpf/memlock.h"
#include "bpf/memlock.skel.h"

/*
 * Looks, and the times between them. Most locks are free at the second one; what a host without a
 * CPU to spare has stopped while it held one needs longer than what a busy program takes.
 */
#define SOON_LOOKS 20
#define LATE_LOOKS 16
#define SOON_NS	   10000000L
#define LATE_NS	   50000000L

struct memlock {
	struct memlock_bpf *skel;
	struct memlock_row asked; /* of the process that is asked about */
	struct memlock_row *rows; /* of a look: locks that are held */
	size_t n, capacity;
	int error;
};

static int load(struct memlock *m)
{
	uint32_t own;
	int r = iterator_own_namespace(&own);

	if (r < 0)
		return r;
	m->skel = memlock_bpf__open_opts(kernel_types());
	if (!m->skel)
		return -errno;
	m->skel->rodata->own_inode = own;
	r = memlock_bpf__load(m->skel);
	return r == 0 ? memlock_bpf__attach(m->skel) : r;
}

/*
 * The one of this process, from the first question to the end: loading it costs more than all its
 * looks. NULL where the kernel does not take it, which is tried once.
 */
static struct memlock *get(void)
{
	static struct memlock only;
	static bool tried;

	if (!tried && load(&only) < 0) {
		memlock_bpf__destroy(only.skel);
		only.skel = NULL;
	}
	tried = true;
	return only.skel ? &only : NULL;
}

static size_t row_size(uint32_t type)
{
	return type == MEMLOCK_ROW ? sizeof(struct memlock_row) : 0;
}

static int keep(struct memlock *m, const struct memlock_row *row)
{
	if (m->n == m->capacity) {
		size_t capacity = m->capacity ? 2 * m->capacity : 64;
		struct memlock_row *rows = reallocarray(m->rows, capacity, sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		m->rows = rows;
		m->capacity = capacity;
	}
	m->rows[m->n++] = *row;
	return 0;
}

static void take_row(const void *bytes, void *context)
{
	struct memlock *m = context;
	const struct memlock_row *row = bytes;

	if (row->pid && row->pid == m->skel->bss->asked)
		m->asked = *row;
	if (row->owner && m->error == 0)
		m->error = keep(m, row);
}

static int look(struct memlock *m)
{
	int r;

	m->n = 0;
	m->error = 0;
	m->asked = (struct memlock_row){ 0 };
	r = iterator_run(m->skel->links.look_at_locks, row_size, take_row, m);
	return r < 0 ? r : m->error;
}

static bool in_same_hands(const struct memlock *m, const struct memlock_row *before)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->rows[i].mm == before->mm && m->rows[i].owner == before->owner)
			return true;
	return false;
}

/* The first look: all locks that matter. Returns their number. */
static size_t select_rows(const struct memlock *m, ino_t file, struct memlock_row *ret)
{
	bool own = m->asked.program && m->asked.inode == file;
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		if (!own || m->rows[i].program == m->asked.program)
			ret[n++] = m->rows[i];
	return n;
}

/* What is left of them after another look. */
static size_t drop_rows(const struct memlock *m, struct memlock_row *rows, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		if (in_same_hands(m, &rows[i]))
			rows[left++] = rows[i];
	return left;
}

int memlock_wait(pid_t pid, ino_t file, pid_t *ret_holder)
{
	static const struct timespec soon = { .tv_nsec = SOON_NS }, late = { .tv_nsec = LATE_NS };
	_cleanup_free_ struct memlock_row *held = NULL;
	struct memlock *m = get();
	size_t n;

	if (!m)
		return 0;
	m->skel->bss->asked = (uint32_t)pid;
	if (look(m) < 0 || m->n == 0)
		return 0;
	held = calloc(m->n, sizeof(*held));
	if (!held)
		return -ENOMEM;
	n = select_rows(m, file, held);
	for (int i = 0; i < SOON_LOOKS + LATE_LOOKS && n > 0; i++) {
		nanosleep(i < SOON_LOOKS ? &soon : &late, NULL);
		if (look(m) < 0)
			return 0;
		n = drop_rows(m, held, n);
	}
	if (n == 0)
		return 0;
	*ret_holder = (pid_t)held[0].pid;
	return -EBUSY;
}
