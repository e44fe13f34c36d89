// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/state/folder.h"

#define LARGEST (1u << 30)

int folder_open(const char *path, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int read_whole(int fd, uint8_t *dst, size_t size)
{
	for (size_t n = 0; n < size;) {
		ssize_t got = read(fd, dst + n, size - n);

		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		n += (size_t)got;
	}
	return 0;
}

int folder_read(int folder, const char *name, uint8_t **ret_data, size_t *ret_size)
{
	_cleanup_close_ int fd =
		openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_free_ uint8_t *data = NULL;
	struct stat st;
	int r;

	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? -EBADMSG : -errno;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_size > LARGEST)
		return -EBADMSG;
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return -ENOMEM;
	r = read_whole(fd, data, (size_t)st.st_size);
	if (r < 0)
		return r;
	*ret_data = TAKE_PTR(data);
	*ret_size = (size_t)st.st_size;
	return 0;
}

int folder_create(int folder, const char *name)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, fd;

	if (unlinkat(folder, name, 0) && errno != ENOENT)
		return -errno;
	fd = openat(folder, name, flags, 0600);
	return fd < 0 ? -errno : fd;
}

int folder_write(int fd, const void *data, size_t size)
{
	const uint8_t *at = data;

	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

int folder_rename(int folder, const char *from, const char *to)
{
	return renameat(folder, from, folder, to) && errno != ENOENT ? -errno : 0;
}
