// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/base/text.h"
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

static const enum seep_slot slots[FILE_KIND_MAX] = {
	[FILE_KIND_OTHER] = SLOT_FD_OTHER,     [FILE_KIND_EVENTFD] = SLOT_FD_EVENTFD,
	[FILE_KIND_TIMERFD] = SLOT_FD_TIMERFD, [FILE_KIND_SIGNALFD] = SLOT_FD_SIGNALFD,
	[FILE_KIND_EPOLL] = SLOT_FD_EPOLL,     [FILE_KIND_INOTIFY] = SLOT_FD_INOTIFY,
	[FILE_KIND_PIDFD] = SLOT_FD_PIDFD,     [FILE_KIND_IO_URING] = SLOT_FD_IO_URING,
	[FILE_KIND_FILE] = SLOT_FD_FILE,       [FILE_KIND_PIPE] = SLOT_FD_PIPE,
	[FILE_KIND_SOCKET] = SLOT_FD_SOCKET,
};

/* The same for every object of this boot, so one lesson serves them all. */
static uint64_t learned[FILE_KIND_LEARNED];

enum seep_slot file_kinds_slot(uint32_t kind)
{
	return slots[kind < FILE_KIND_MAX ? kind : FILE_KIND_OTHER];
}

int file_kinds_copy(void *table, size_t size)
{
	if (size != sizeof(learned))
		return -EINVAL;
	memcpy(table, learned, size);
	return 0;
}

struct lesson {
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
			learned[kind] = row->operations;
}

static void open_one_of_each(struct lesson *l, char *missing, size_t size)
{
	*missing = '\0';
	for (int kind = 1; kind < FILE_KIND_LEARNED; kind++) {
		l->fds[kind] = kinds[kind].open();
		if (l->fds[kind] < 0)
			text_append(missing, size, "%s%s", *missing ? " " : "", kinds[kind].name);
	}
}

int file_kinds_learn(struct file_bpf *skel, char *missing, size_t size)
{
	struct lesson l;
	int r;

	open_one_of_each(&l, missing, size);
	skel->bss->only_pid = (uint32_t)getpid();
	r = iterator_run(skel->links.census_file, file_row_size, take_row, &l);
	for (int kind = 1; kind < FILE_KIND_LEARNED; kind++)
		safe_close(l.fds[kind]);
	return r < 0 ? r : file_kinds_copy(skel->bss->learned, sizeof(skel->bss->learned));
}
