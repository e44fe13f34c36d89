// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <linux/capability.h>
#include <seccomp.h>

#include "agent/base/child.h"
#include "agent/base/cleanup.h"
#include "agent/base/sandbox.h"
#include "agent/sites/opener.h"
#include "agent/sites/worker.h"

#define OPEN_NS 1000000000ull
#define COPY_BYTES                                                                                 \
	(64u << 20) /* vm.max_map_count lines of the default, with the longest paths               \
		     * that such programs have */

struct opener {
	struct worker worker;
};

/* The child's side. */

/*
 * A device must not be opened for the asking: its driver may act on it. So look first, by a
 * descriptor that opens nothing.
 */
static int open_regular(int dir, const char *path)
{
	_cleanup_close_ int look = openat(dir, path, O_PATH | O_CLOEXEC);
	char self[40];
	struct stat st;
	int fd;

	if (look < 0)
		return -errno;
	if (fstatat(look, "", &st, AT_EMPTY_PATH) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", look);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int open_debug_file(const struct wire_ask *ask)
{
	char path[64 + 2 * WIRE_BUILD_ID_MAX];
	int n = snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%02x/", ask->build_id[0]);

	if (ask->build_id_size < 2 || ask->build_id_size > WIRE_BUILD_ID_MAX)
		return -EINVAL;
	for (uint32_t i = 1; i < ask->build_id_size; i++)
		n += snprintf(path + n, sizeof(path) - (size_t)n, "%02x", ask->build_id[i]);
	snprintf(path + n, sizeof(path) - (size_t)n, ".debug");
	return open_regular(AT_FDCWD, path);
}

/* A file that the kernel itself makes. */
static int open_proc(int proc, const char *name)
{
	int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* 0 at the end. */
static int copy_some(int from, int to, char *buffer, size_t size)
{
	ssize_t n = read(from, buffer, size), written;

	for (ssize_t at = 0; at < n; at += written) {
		written = write(to, buffer + at, (size_t)(n - at));
		if (written < 0)
			return -errno;
	}
	return n < 0 ? -errno : (int)n;
}

static int copy_maps(int proc)
{
	_cleanup_close_ int from = open_proc(proc, "maps");
	_cleanup_close_ int to = memfd_create("maps", MFD_CLOEXEC);
	char buffer[16384];
	size_t size = 0;
	int r;

	if (from < 0 || to < 0)
		return from < 0 ? from : -errno;
	while ((r = copy_some(from, to, buffer, sizeof(buffer))) > 0) {
		size += (size_t)r;
		if (size > COPY_BYTES)
			return -EFBIG;
	}
	if (r == 0 && lseek(to, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? r : TAKE_FD(to);
}

static int open_asked(int proc, const struct wire_ask *ask)
{
	char name[64];

	switch (ask->kind) {
	case WIRE_MAPS:
		return open_proc(proc, "maps");
	case WIRE_MAPS_COPY:
		return copy_maps(proc);
	case WIRE_MEM:
		return open_proc(proc, "mem");
	case WIRE_PAGEMAP:
		return open_proc(proc, "pagemap");
	case WIRE_AUXV:
		return open_proc(proc, "auxv");
	case WIRE_ENVIRON:
		return open_proc(proc, "environ");
	case WIRE_CMDLINE:
		return open_proc(proc, "cmdline");
	case WIRE_EXE:
		return open_regular(proc, "exe");
	case WIRE_MAP_FILE:
		snprintf(name, sizeof(name), "map_files/%llx-%llx", (unsigned long long)ask->start,
			 (unsigned long long)ask->end);
		return open_regular(proc, name);
	case WIRE_DEBUG_FILE:
		return open_debug_file(ask);
	}
	return -EINVAL;
}

static int serve(void)
{
	struct wire_ask ask;
	int proc, r;

	for (;;) {
		struct wire_reply reply = { .type = WIRE_ANSWER };
		struct iovec part = { .iov_base = &reply, .iov_len = sizeof(reply) };
		ssize_t n = message_receive(CHILD_FIRST_FD, &ask, sizeof(ask), 0, &proc);

		if (n < 0)
			return n != -EPIPE;
		r = n == sizeof(ask) ? open_asked(proc, &ask) : -EINVAL;
		safe_close(proc);
		reply.status = r < 0 ? r : 0;
		if (message_send(CHILD_FIRST_FD, &part, 1, r, 0) < 0)
			return 1;
		safe_close(r);
	}
}

static int opener_main(void)
{
	/* map_files wants CHECKPOINT_RESTORE; other people's processes and files the other two. */
	static const int capabilities[] = { CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH,
					    CAP_CHECKPOINT_RESTORE, -1 };
	static const int calls[] = { SCMP_SYS(openat), SCMP_SYS(newfstatat), SCMP_SYS(memfd_create),
				     -1 };
	static const struct sandbox spec = { .name = OPENER_NAME,
					     .calls = calls,
					     .capabilities = capabilities,
					     .address_space = 256ul << 20,
					     .descriptors = 256,
					     .keep_root = 1 };

	return worker_enter(&spec) < 0 ? 1 : serve();
}

CHILD_ENTRY(opener_entry, OPENER_NAME, opener_main)

/* The parent's side. */

int opener_new(struct opener **ret)
{
	struct opener *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	o->worker.socket = -1;
	r = worker_start(&o->worker, &opener_entry);
	if (r < 0) {
		opener_free(o);
		return r;
	}
	*ret = o;
	return 0;
}

void opener_free(struct opener *o)
{
	if (!o)
		return;
	worker_stop(&o->worker);
	free(o);
}

static int exchange(struct opener *o, int proc, const struct wire_ask *ask, uint64_t deadline,
		    int *ret_status, int *ret_fd)
{
	struct iovec part = { .iov_base = (void *)ask, .iov_len = sizeof(*ask) };
	struct wire_reply reply;
	int r = message_send(o->worker.socket, &part, 1, proc, deadline);
	ssize_t n;

	if (r < 0)
		return r;
	n = message_receive(o->worker.socket, &reply, sizeof(reply), deadline, ret_fd);
	if (n != sizeof(reply))
		return n < 0 ? (int)n : -EPROTO;
	*ret_status = reply.status;
	return 0;
}

int opener_open(struct opener *o, int proc, const struct wire_ask *ask, uint64_t deadline,
		int *ret_fd)
{
	uint64_t own = monotonic_ns() + OPEN_NS;
	_cleanup_close_ int fd = -1;
	int r = o->worker.pid ? 0 : worker_start(&o->worker, &opener_entry);
	int status = 0;

	if (r == 0)
		r = exchange(o, proc, ask, own < deadline ? own : deadline, &status, &fd);
	if (r < 0) {
		worker_stop(&o->worker);
		return r;
	}
	if (fd < 0)
		return status < 0 ? status : -EPROTO;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
