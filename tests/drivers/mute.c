// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file system of one file that falls silent.
 *
 *     mute FOLDER FILE
 *
 * Mounts on FOLDER; whatever name is looked up there is FILE, read-only and padded to a gigabyte by
 * zeros. Says "ready"; at a line on its input it answers no read any more, says "mute", and ends
 * with its input, which frees whoever waits, or five minutes later: what waits may be the host.
 * Needs root and /dev/fuse; the protocol is linux/fuse.h's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "agent/base/cleanup.h"

#define FILE_NODE    2
#define FILE_BYTES   (1ull << 30)
#define REQUEST_SIZE (1u << 17)
#define MUTE_MS	     300000
#define FOR_EVER     1000000 /* seconds that names and attributes hold */

struct server {
	int fuse, file;
	bool mute;
};

/* A request and room for the answer to it. */
struct exchange {
	struct fuse_in_header head;
	uint8_t in[REQUEST_SIZE];
	uint8_t out[REQUEST_SIZE];
};

static void reply(const struct server *s, const struct exchange *x, int error, size_t size)
{
	struct fuse_out_header head = { .len = (uint32_t)(sizeof(head) + size),
					.error = error,
					.unique = x->head.unique };
	struct iovec parts[] = { { .iov_base = &head, .iov_len = sizeof(head) },
				 { .iov_base = (void *)x->out, .iov_len = size } };

	if (writev(s->fuse, parts, 2) < 0 && errno != ENOENT) /* it was given up */
		perror("mute: reply");
}

static struct fuse_attr attributes(uint64_t node)
{
	bool file = node == FILE_NODE;

	return (struct fuse_attr){ .ino = node,
				   .size = file ? FILE_BYTES : 0,
				   .mode = file ? S_IFREG | 0755 : S_IFDIR | 0755,
				   .nlink = 1,
				   .blksize = 4096 };
}

static size_t answer_init(struct exchange *x)
{
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
				     .minor = FUSE_KERNEL_MINOR_VERSION,
				     .max_readahead = 0,
				     .max_write = 4096 };

	memcpy(x->out, &out, sizeof(out));
	return sizeof(out);
}

static size_t answer_lookup(struct exchange *x)
{
	struct fuse_entry_out out = { .nodeid = FILE_NODE,
				      .entry_valid = FOR_EVER,
				      .attr_valid = FOR_EVER,
				      .attr = attributes(FILE_NODE) };

	memcpy(x->out, &out, sizeof(out));
	return sizeof(out);
}

static size_t answer_getattr(struct exchange *x)
{
	struct fuse_attr_out out = { .attr_valid = FOR_EVER, .attr = attributes(x->head.nodeid) };

	memcpy(x->out, &out, sizeof(out));
	return sizeof(out);
}

/* Whoever reads asks here, whatever of the file others have read or mapped; it runs from memory. */
static size_t answer_open(struct exchange *x)
{
	struct fuse_open_out out = { .open_flags = FOPEN_DIRECT_IO | FOPEN_KEEP_CACHE };

	memcpy(x->out, &out, sizeof(out));
	return sizeof(out);
}

static size_t answer_read(const struct server *s, struct exchange *x)
{
	struct fuse_read_in in;
	ssize_t n;

	memcpy(&in, x->in, sizeof(in));
	if (in.size > sizeof(x->out))
		in.size = sizeof(x->out);
	memset(x->out, 0, in.size);
	n = pread(s->file, x->out, in.size, (off_t)in.offset);
	return n < 0 ? 0 : in.size;
}

static void answer(const struct server *s, struct exchange *x)
{
	switch (x->head.opcode) {
	case FUSE_INIT:
		return reply(s, x, 0, answer_init(x));
	case FUSE_LOOKUP:
		return reply(s, x, 0, answer_lookup(x));
	case FUSE_GETATTR:
		return reply(s, x, 0, answer_getattr(x));
	case FUSE_OPEN:
		return reply(s, x, 0, answer_open(x));
	case FUSE_READ:
		if (!s->mute)
			reply(s, x, 0, answer_read(s, x));
		return;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT: /* those are not answered */
		return;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		return reply(s, x, 0, 0);
	default:
		return reply(s, x, -ENOSYS, 0);
	}
}

static void serve_one(const struct server *s)
{
	static struct exchange x;
	struct iovec parts[] = { { .iov_base = &x.head, .iov_len = sizeof(x.head) },
				 { .iov_base = x.in, .iov_len = sizeof(x.in) } };

	if (readv(s->fuse, parts, 2) >= (ssize_t)sizeof(x.head))
		answer(s, &x);
}

static void serve(struct server *s)
{
	struct pollfd fds[] = { { .fd = s->fuse, .events = POLLIN },
				{ .fd = STDIN_FILENO, .events = POLLIN } };
	int timeout = -1;
	char line[64];

	/* Nobody asks any more once it is mute, so that the time is that since the last request. */
	while (poll(fds, 2, timeout) > 0) {
		if (fds[0].revents)
			serve_one(s);
		if (!fds[1].revents)
			continue;
		if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
			return;
		s->mute = true;
		timeout = MUTE_MS;
		puts("mute");
	}
}

static int mount_on(const char *folder, int fuse)
{
	char options[128];

	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions", fuse);
	return mount("mute", folder, "fuse.mute", MS_NODEV | MS_NOSUID, options);
}

int main(int argc, char **argv)
{
	struct server s = { 0 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 3)
		return 2;
	s.fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	s.file = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (s.fuse < 0 || s.file < 0 || mount_on(argv[1], s.fuse) < 0) {
		perror("mute");
		return 1;
	}
	puts("ready");
	serve(&s);
	umount2(argv[1], MNT_DETACH);
	return 0;
}
