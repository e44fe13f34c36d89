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
#define MAGIC	  0x33706565u /* raised when the row changes */
#define PATIENCE  (NS_PER_S / 2)

struct history {
	struct sockaddr_un address;
	int fd;
};

struct header {
	uint32_t magic;
	uint32_t slots; /* SLOT_MAX of the agent: another build means other rows */
	double window;
	uint64_t rows;
};

struct row {
	uint64_t start, exec_id;
	int32_t pid;
	uint16_t slot, verdict;
	double rate_per_hour, since, oldest;
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

static uint64_t write_rows(const struct model *m, FILE *to)
{
	uint64_t n = 0;

	model_for_each_process (m, p) {
		for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
			const struct trend *t = &p->cells[s].trend;
			struct row row = {
				p->start,    p->exec_id,	   p->pid,
				(uint16_t)s, (uint16_t)t->verdict, t->rate_per_hour,
				t->since,    p->cells[s].oldest,   p->cells[s].evidence
			};

			if (t->verdict == VERDICT_UNKNOWN)
				continue;
			n += fwrite(&row, sizeof(row), 1, to);
		}
	}
	return n;
}

static int write_history(const struct model *m, int fd)
{
	struct header header = { MAGIC, SLOT_MAX, m->window, 0 };
	_cleanup_fclose_ FILE *to = fdopen(dup(fd), "w");

	if (!to)
		return -errno;
	fwrite(&header, sizeof(header), 1, to);
	header.rows = write_rows(m, to);
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

static void adopt_row(struct model *m, const struct row *row)
{
	struct model_process *p = model_find(m, row->pid);

	if (!p || p->start != row->start || p->exec_id != row->exec_id || row->slot >= SLOT_MAX ||
	    row->verdict >= VERDICT_MAX)
		return;
	p->cells[row->slot].oldest = fmax(p->cells[row->slot].oldest, row->oldest);
	p->cells[row->slot].trend =
		(struct trend){ (enum verdict)row->verdict, row->rate_per_hour, row->since };
	p->cells[row->slot].evidence = row->evidence;
}

static int adopt_rows(struct model *m, FILE *from)
{
	struct header header;
	struct row row;

	if (fread(&header, sizeof(header), 1, from) != 1 || header.magic != MAGIC ||
	    header.slots != SLOT_MAX)
		return -EPROTO;
	m->window = header.window;
	for (uint64_t i = 0; i < header.rows && fread(&row, sizeof(row), 1, from) == 1; i++)
		adopt_row(m, &row);
	return 0;
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
	return adopt_rows(m, from);
}
