// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/probe/listening.h"

#define LISTENERS 1024 /* of a network namespace; what is beyond is not known */

struct listeners {
	struct {
		unsigned long long inode;
		unsigned int port;
	} rows[LISTENERS];
	size_t n;
};

/* Columns: Documentation/networking/proc_net_tcp.rst. */
static void read_table(struct listeners *l, pid_t pid, const char *table)
{
	_cleanup_fclose_ FILE *f = NULL;
	unsigned int port, state;
	unsigned long long inode;
	char path[64], line[512];

	snprintf(path, sizeof(path), "/proc/%d/net/%s", pid, table);
	f = fopen(path, "re");
	if (!f || !fgets(line, sizeof(line), f))
		return;
	while (l->n < LISTENERS && fgets(line, sizeof(line), f)) {
		if (sscanf(line,
			   " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %llu",
			   &port, &state, &inode) != 3 ||
		    state != TCP_LISTEN)
			return;
		l->rows[l->n].inode = inode;
		l->rows[l->n++].port = port & UINT16_MAX;
	}
}

static void note(const struct listeners *l, unsigned long long inode, uint8_t *ports)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->rows[i].inode == inode)
			ports[l->rows[i].port / 8] |= (uint8_t)(1 << l->rows[i].port % 8);
}

static int note_descriptors(const struct listeners *l, pid_t pid, uint8_t *ports)
{
	unsigned long long inode;
	struct dirent *entry;
	char path[64];
	_cleanup_closedir_ DIR *dir = NULL;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		char link[64];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		link[n > 0 ? n : 0] = '\0';
		if (sscanf(link, "socket:[%llu]", &inode) == 1)
			note(l, inode, ports);
	}
	return 0;
}

int listening_ports(pid_t pid, uint8_t ports[65536 / 8])
{
	_cleanup_free_ struct listeners *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	read_table(l, pid, "tcp");
	read_table(l, pid, "tcp6");
	return note_descriptors(l, pid, ports);
}
