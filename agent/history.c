// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/base/clock.h"
#include "agent/base/message.h"
#include "agent/history.h"

#define DIRECTORY "/run/seep" /* unless RUNTIME_DIRECTORY names another, as systemd does */
#define SOCKET	  "history.sock"
#define MAGIC	  0x34706565u /* raised when what follows changes */
#define NAME_SIZE 1024	      /* that holds any group's */
#define PATIENCE  (NS_PER_S / 2)

struct history {
	struct sockaddr_un address;
	int fd;
};

struct header {
	uint32_t magic;
	uint32_t slots; /* SLOT_MAX of the agent: another build means other rows */
	double window;
	uint64_t owners;
};

/* Whose rows follow: a process, or with pid 0 a group, whose name comes before them. */
struct owner {
	uint64_t start, exec_id;
	int32_t pid;
	uint16_t rows, name_size;
};

struct row {
	uint16_t slot, verdict;
	double rate_per_hour, since, oldest;
	int64_t old;
	struct evidence evidence;
};

static const char *runtime_directory(void)
{
	const char *named = getenv("RUNTIME_DIRECTORY");

	return named && *named ? named : DIRECTORY;
}

static int socket_address(struct sockaddr_un *ret)
{
	int n;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/" SOCKET, runtime_directory());
	return n < 0 || (size_t)n >= sizeof(ret->sun_path) ? -ENAMETOOLONG : 0;
}

static int connect_agent(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		return errno == ECONNREFUSED ? -ENOENT : -errno; /* an agent that was killed */
	return TAKE_FD(fd);
}

/* Made for root alone from the start, not narrowed after. */
static int listen_for_root(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0177);
	int r = 0;

	if (fd < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) || listen(fd, 8))
		r = -errno;
	umask(mask);
	return r < 0 ? r : TAKE_FD(fd);
}

int history_new(struct history **ret)
{
	_cleanup_free_ struct history *h = calloc(1, sizeof(*h));
	int other, r = h ? socket_address(&h->address) : -ENOMEM;

	if (r < 0)
		return r;
	other = connect_agent(&h->address);
	if (other >= 0) {
		safe_close(other);
		return -EADDRINUSE;
	}
	if (mkdir(runtime_directory(), 0755) && errno != EEXIST)
		return -errno;
	unlink(h->address.sun_path);
	h->fd = listen_for_root(&h->address);
	if (h->fd < 0)
		return h->fd;
	*ret = TAKE_PTR(h);
	return 0;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	unlink(h->address.sun_path);
	safe_close(h->fd);
	free(h);
}

int history_fd(const struct history *h)
{
	return h->fd;
}

/* The trends that are known; returns how many. to may be NULL: only count. */
static uint16_t write_rows(const struct model_cell *cells, FILE *to)
{
	uint16_t n = 0;

	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		const struct model_cell *c = &cells[s];
		struct row row = { (uint16_t)s,
				   (uint16_t)c->trend.verdict,
				   c->trend.rate_per_hour,
				   c->trend.since,
				   c->oldest,
				   c->old,
				   c->evidence };

		if (c->trend.verdict == VERDICT_UNKNOWN)
			continue;
		if (to)
			fwrite(&row, sizeof(row), 1, to);
		n++;
	}
	return n;
}

static uint64_t write_owner(struct owner owner, const char *name, const struct model_cell *cells,
			    FILE *to)
{
	owner.rows = write_rows(cells, NULL);
	owner.name_size = (uint16_t)strlen(name);
	if (!owner.rows)
		return 0;
	fwrite(&owner, sizeof(owner), 1, to);
	fwrite(name, owner.name_size, 1, to);
	write_rows(cells, to);
	return 1;
}

static uint64_t write_owners(const struct model *m, FILE *to)
{
	uint64_t n = 0;

	model_for_each_process (m, p) {
		struct owner owner = { .start = p->start, .exec_id = p->exec_id, .pid = p->pid };

		n += write_owner(owner, "", p->cells, to);
	}
	model_for_each_group (m, g)
		n += write_owner((struct owner){ 0 }, g->name, g->cells, to);
	return n;
}

static int write_history(const struct model *m, int fd)
{
	struct header header = { MAGIC, SLOT_MAX, m->window, 0 };
	_cleanup_fclose_ FILE *to = fdopen(dup(fd), "w");

	if (!to)
		return -errno;
	fwrite(&header, sizeof(header), 1, to);
	header.owners = write_owners(m, to);
	if (fflush(to) || ferror(to))
		return -EIO;
	if (pwrite(fd, &header, sizeof(header), 0) != sizeof(header))
		return -EIO;
	return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
		       ? -errno
		       : 0;
}

void history_answer(struct history *h, const struct model *m)
{
	_cleanup_close_ int client = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC), memory = -1;
	struct iovec word = { (char *)"h", 1 };

	if (client < 0)
		return;
	memory = memfd_create("seep-history", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory >= 0 && write_history(m, memory) == 0)
		message_send(client, &word, 1, memory, monotonic_ns() + PATIENCE);
}

static void adopt_row(struct model_cell *cells, const struct row *row)
{
	struct model_cell *c = &cells[row->slot];

	c->oldest = fmax(c->oldest, row->oldest);
	if (c->old != LIVE_UNKNOWN && row->old != LIVE_UNKNOWN)
		c->old = row->old < c->live ? row->old : c->live;
	c->trend = (struct trend){ (enum verdict)row->verdict, row->rate_per_hour, row->since };
	c->evidence = row->evidence;
}

/* The cells of a process that is still the same, or of a group; NULL when it is gone. */
static struct model_cell *cells_of(struct model *m, const struct owner *owner, const char *name)
{
	struct model_process *p = owner->pid ? model_find(m, owner->pid) : NULL;

	if (p)
		return p->start == owner->start && p->exec_id == owner->exec_id ? p->cells : NULL;
	if (owner->pid)
		return NULL;
	model_for_each_group (m, g)
		if (strcmp(g->name, name) == 0)
			return g->cells;
	return NULL;
}

static int adopt_owner(struct model *m, FILE *from)
{
	struct model_cell *cells;
	struct owner owner;
	char name[NAME_SIZE] = "";
	struct row row;

	if (fread(&owner, sizeof(owner), 1, from) != 1 || owner.name_size >= sizeof(name) ||
	    fread(name, 1, owner.name_size, from) != owner.name_size)
		return -EPROTO;
	cells = cells_of(m, &owner, name);
	for (unsigned int i = 0; i < owner.rows; i++) {
		if (fread(&row, sizeof(row), 1, from) != 1)
			return -EPROTO;
		if (cells && row.slot < SLOT_MAX && row.verdict < VERDICT_MAX)
			adopt_row(cells, &row);
	}
	return 0;
}

static int adopt_owners(struct model *m, FILE *from)
{
	struct header header;
	int r = 0;

	if (fread(&header, sizeof(header), 1, from) != 1 || header.magic != MAGIC ||
	    header.slots != SLOT_MAX)
		return -EPROTO;
	m->window = header.window;
	for (uint64_t i = 0; r == 0 && i < header.owners; i++)
		r = adopt_owner(m, from);
	return r;
}

int history_adopt(struct model *m)
{
	struct sockaddr_un address;
	_cleanup_close_ int agent =
		socket_address(&address) < 0 ? -ENAMETOOLONG : connect_agent(&address);
	int memory = -1;
	_cleanup_fclose_ FILE *from = NULL;
	char word[1];
	ssize_t n;

	if (agent < 0)
		return agent;
	n = message_receive(agent, word, sizeof(word), monotonic_ns() + 4 * PATIENCE, &memory);
	if (n < 0 || memory < 0) {
		safe_close(memory);
		return n < 0 ? (int)n : -EPROTO;
	}
	if (lseek(memory, 0, SEEK_SET) != 0 || !(from = fdopen(memory, "r"))) {
		safe_close(memory);
		return -EPROTO;
	}
	return adopt_owners(m, from);
}
