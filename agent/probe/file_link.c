// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/probe/file_link.h"

static const struct {
	const char *prefix;
	enum seep_slot slot;
} kinds[] = {
	{ "socket:[", SLOT_FD_SOCKET },
	{ "pipe:[", SLOT_FD_PIPE },
	{ "anon_inode:[eventfd]", SLOT_FD_EVENTFD },
	{ "anon_inode:[timerfd]", SLOT_FD_TIMERFD },
	{ "anon_inode:[signalfd]", SLOT_FD_SIGNALFD },
	{ "anon_inode:[eventpoll]", SLOT_FD_EPOLL },
	{ "anon_inode:inotify", SLOT_FD_INOTIFY },
	{ "anon_inode:[inotify]", SLOT_FD_INOTIFY },
	{ "anon_inode:[pidfd]", SLOT_FD_PIDFD },
	{ "pidfd:[", SLOT_FD_PIDFD },
	{ "anon_inode:[io_uring]", SLOT_FD_IO_URING },
	{ "/", SLOT_FD_FILE },
};

enum seep_slot file_link_slot(const char *link)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strncmp(link, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
			return kinds[i].slot;
	return SLOT_FD_OTHER;
}
