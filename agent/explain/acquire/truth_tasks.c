// SPDX-License-Identifier: GPL-2.0-only
/* The part of truth.h that looks beyond the process: its children, and the sockets of its network.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/explain/acquire/truth.h"

static FILE *open_file(pid_t pid, const char *what)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	return fopen(path, "re");
}

/* The state letter of proc_pid_stat(5), after the name, which may hold anything but is in the last
 * brackets; 0 when there is no such process. */
static char read_state(pid_t pid)
{
	_cleanup_fclose_ FILE *f = open_file(pid, "stat");
	char line[512];
	const char *end;

	if (!f || !fgets(line, sizeof(line), f))
		return '\0';
	end = strrchr(line, ')');
	return end && end[1] == ' ' ? end[2] : '\0';
}

enum seep_slot truth_child(pid_t child)
{
	char state = read_state(child);

	if (!state || state == 'X')
		return SLOT_MAX;
	return state == 'Z' ? SLOT_PROCESS_ZOMBIE : SLOT_PROCESS_CHILD;
}

static int read_children(pid_t pid, pid_t thread, struct truth *ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64];
	int child, r = 0;

	snprintf(path, sizeof(path), "task/%d/children", thread);
	f = open_file(pid, path);
	while (f && r == 0 && fscanf(f, "%d", &child) == 1) {
		enum seep_slot slot = truth_child(child);

		if (slot != SLOT_MAX)
			r = truth_add(ret, (uint64_t)child, 0, slot);
	}
	return r;
}

int truth_children(pid_t pid, struct truth *ret)
{
	struct truth threads = { 0 };
	int r = truth_threads(pid, &threads);

	ret->n = 0;
	if (r == 0)
		r = read_children(pid, pid, ret);
	for (size_t i = 0; r == 0 && i < threads.n; i++)
		r = read_children(pid, (pid_t)threads.rows[i].id, ret);
	truth_clear(&threads);
	return r < 0 ? r : truth_finish(ret);
}

/* Hexadecimal state, then the inode in a later column (Documentation/networking/proc_net_tcp.rst).
 */
static int read_inet(FILE *f, bool tcp, struct truth *ret)
{
	char line[512];
	int r = 0;

	while (r == 0 && fgets(line, sizeof(line), f)) {
		unsigned long inode;
		unsigned int state;

		if (sscanf(line, " %*u: %*s %*s %x %*s %*s %*s %*u %*u %lu", &state, &inode) != 2 ||
		    !inode)
			continue;
		r = truth_add(ret, inode, 0,
			      tcp && state <= 12 ? SLOT_TCP + state
			      : tcp		 ? SLOT_TCP
						 : SLOT_UDP);
	}
	return r;
}

static int read_unix(FILE *f, struct truth *ret)
{
	char line[512];
	unsigned long inode;
	int r = 0;

	while (r == 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %lu", &inode) == 1)
			r = truth_add(ret, inode, 0, SLOT_UNIX);
	return r;
}

int truth_sockets(pid_t pid, struct truth *ret)
{
	static const char *const tables[] = { "net/tcp", "net/tcp6", "net/udp", "net/udp6",
					      "net/unix" };
	int r = 0;

	ret->n = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(tables); i++) {
		_cleanup_fclose_ FILE *f = open_file(pid, tables[i]);

		if (!f)
			continue;
		r = i == 4 ? read_unix(f, ret) : read_inet(f, i < 2, ret);
	}
	return r < 0 ? r : truth_finish(ret);
}
