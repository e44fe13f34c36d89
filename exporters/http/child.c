// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include <seccomp.h>

#include "agent/base/message.h"
#include "agent/base/sandbox.h"
#include "exporters/http/server.h"

#define DESCRIPTORS   (2 * CLIENTS_MAX + 32)
#define ADDRESS_SPACE ((size_t)512 << 20)

static int enter_sandbox(void)
{
	static const int calls[] = {
		SCMP_SYS(accept4),   SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
		SCMP_SYS(epoll_ctl), SCMP_SYS(recvfrom),   SCMP_SYS(sendto),
		SCMP_SYS(shutdown),  SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
		SCMP_SYS(fcntl),     SCMP_SYS(newfstatat), -1,
	};
	struct sandbox sandbox = {
		.name = http_child.name,
		.calls = calls,
		.address_space = ADDRESS_SPACE,
		.descriptors = DESCRIPTORS,
	};

	return sandbox_enter(&sandbox);
}

static int run_child(void)
{
	static struct server server = {
		.control_fd = CHILD_FIRST_FD,
		.listen_fd = CHILD_FIRST_FD + 1,
	};
	int r;

	/* The agent ends the child; a Ctrl-C at the terminal or systemd's first signal does not. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	clients_init(&server.clients);
	if (server_start(&server) < 0 || enter_sandbox() < 0)
		return EXIT_FAILURE;
	if (message_receive(server.control_fd, server.site.path, HTTP_PATH_MAX, 0, NULL) < 0)
		return EXIT_FAILURE;
	r = server_run(&server);
	return r == -EPIPE ? EXIT_SUCCESS : EXIT_FAILURE;
}

CHILD_ENTRY(http_child, "seep-web", run_child)
