// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/probe/file_kinds.h"
#include "agent/probe/iterator.h"
#include "bpf/file.h"
#include "bpf/file.skel.h"

static int open_eventfd(void)
{
	return eventfd(0, EFD_CLOEXEC);
}

static int open_timerfd(void)
{
	return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
}

static int open_signalfd(void)
{
	sigset_t none;

	sigemptyset(&none);
	return signalfd(-1, &none, SFD_CLOEXEC);
}

static int open_epoll(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

static int open_inotify(void)
{
	return inotify_init1(IN_CLOEXEC);
}

static int open_pidfd(void)
{
	return (int)syscall(SYS_pidfd_open, getpid(), 0);
}

static int open_io_uring(void)
{
	struct io_uring_params p = { 0 };

	return (int)syscall(SYS_io_uring_setup, 1, &p);
}

static const struct {
	const char *name;
	int (*open)(void);
} kinds[FILE_KIND_LEARNED] = {
	[FILE_KIND_EVENTFD] = { "eventfd", open_eventfd },
	[FILE_KIND_TIMERFD] = { "timerfd", open_timerfd },
	[FILE_KIND_SIGNALFD] = { "signalfd", open_signalfd },
	[FILE_KIND_EPOLL] = { "epoll", open_epoll },
	[FILE_KIND_INOTIFY] = { "inotify", open_inotify },
	[FILE_KIND_PIDFD] = { "pidfd", open_pidfd },
	[FILE_KIND_IO_URING] = { "io_uring", open_io_uring },
};

struct lesson {
	struct file_bpf *skel;
	int fds[FILE_KIND_LEARNED];
};

static void take_row(const void *data, void *context)
{
	const struct file_row *row = data;
	struct lesson *l = context;

	if (row->type != FILE_ROW_FILE)
		return;
	for (int kind = 1; kind < FILE_KIND_LEARNED; kind++)
		if (l->fds[kind] == (int)row->fd)
			l->skel->bss->learned[kind] = row->operations;
}

static void open_one_of_each(struct lesson *l, char *missing, size_t size)
{
	size_t n = 0;

	*missing = '\0';
	for (int kind = 1; kind < FILE_KIND_LEARNED; kind++) {
		l->fds[kind] = kinds[kind].open();
		if (l->fds[kind] < 0 && n < size)
			n += (size_t)snprintf(missing + n, size - n, "%s%s", n ? " " : "", kinds[kind].name);
	}
}

int file_kinds_learn(struct file_bpf *skel, char *missing, size_t size)
{
	struct lesson l = { .skel = skel };
	int r;

	open_one_of_each(&l, missing, size);
	skel->bss->only_pid = (uint32_t)getpid();
	r = iterator_run(skel->links.census_file, file_row_size, take_row, &l);
	for (int kind = 1; kind < FILE_KIND_LEARNED; kind++)
		safe_close(l.fds[kind]);
	return r;
}
