// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "agent/base/cleanup.h"
#include "agent/probe/iterator.h"

#define BUFFER_BYTES 65536 /* the kernel gives at most 32 KiB a read */

/* Hand over the whole rows of data; returns the bytes they take, or -EPROTO. */
static ssize_t take_rows(const char *data, size_t len, iterator_size_fn size, iterator_row_fn row,
			 void *context)
{
	size_t at = 0;

	while (len - at >= sizeof(uint32_t)) {
		uint32_t type;
		size_t n;

		memcpy(&type, data + at, sizeof(type));
		n = size(type);
		if (n == 0)
			return -EPROTO;
		if (n > len - at)
			break;
		row(data + at, context);
		at += n;
	}
	return (ssize_t)at;
}

int iterator_run(struct bpf_link *link, iterator_size_fn size, iterator_row_fn row, void *context)
{
	static char buffer[BUFFER_BYTES] __attribute__((aligned(8)));
	_cleanup_close_ int fd = bpf_iter_create(bpf_link__fd(link));
	size_t have = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t got = read(fd, buffer + have, sizeof(buffer) - have), used;

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return have ? -EPROTO : 0;
		have += (size_t)got;
		used = take_rows(buffer, have, size, row, context);
		if (used < 0)
			return (int)used;
		have -= (size_t)used;
		memmove(buffer, buffer + used, have);
	}
}

int iterator_own_namespace(uint32_t *ret_inode)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st))
		return -errno;
	*ret_inode = (uint32_t)st.st_ino;
	return 0;
}
