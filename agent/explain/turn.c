// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent/base/cleanup.h"
#include "agent/explain/turn.h"

/* An abstract name (unix(7)) is one's own while the socket lives, and leaves no file behind. */
int turn_take(pid_t pid)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int n = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "seep-explain-%d", pid);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&name,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)))
		return errno == EADDRINUSE ? -EBUSY : -errno;
	return TAKE_FD(fd);
}
