/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other end of a workload's connections: a child that connects, accepts and hangs up on
 * command, so that the workload's own books hold one end only. Commands and answers are one
 * struct each over a unix socket; the child ends with its parent.
 */
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "tests/workloads/books.h"

struct peer_message {
	char verb; /* 'c'onnect to number, 'a'ccept, 'h'ang up the connection number */
	int number;
};

static int peer_channel = -1;
static int peer_port; /* where the peer listens */

static inline struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static inline int listen_loopback(int backlog, int *ret_port)
{
	struct sockaddr_in addr = loopback(0);
	socklen_t len = sizeof(addr);
	int fd = must(socket(AF_INET, SOCK_STREAM, 0), "socket");

	must(bind(fd, (struct sockaddr *)&addr, len), "bind");
	must(listen(fd, backlog), "listen");
	must(getsockname(fd, (struct sockaddr *)&addr, &len), "getsockname");
	*ret_port = ntohs(addr.sin_port);
	return fd;
}

static inline int connect_loopback(int port)
{
	struct sockaddr_in addr = loopback(port);
	int fd = must(socket(AF_INET, SOCK_STREAM, 0), "socket");

	must(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), "connect");
	return fd;
}

static inline void peer_main(int channel, int listener)
{
	struct peer_message m;

	while (read(channel, &m, sizeof(m)) == sizeof(m)) {
		if (m.verb == 'c')
			m.number = connect_loopback(m.number);
		else if (m.verb == 'a')
			m.number = must(accept(listener, NULL, NULL), "accept");
		else
			must(close(m.number), "close");
		must(write(channel, &m, sizeof(m)), "write");
	}
	_exit(0);
}

/* The channel and the child are in the parent's books. */
static inline int peer_start_with(int backlog)
{
	int listener = listen_loopback(backlog, &peer_port), ends[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), "socketpair");
	if (must(fork(), "fork") == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		peer_main(ends[1], listener);
	}
	close(ends[1]);
	close(listener);
	peer_channel = ends[0];
	book("process/child", 1);
	book("fd/socket", 1);
	book("unix", 1);
	return 0;
}

static inline int peer_start(void)
{
	return peer_start_with(512);
}

/* Returns the peer's number of the connection. */
static inline int peer_do(char verb, int number)
{
	struct peer_message m = { .verb = verb, .number = number };

	must(write(peer_channel, &m, sizeof(m)), "peer");
	if (read(peer_channel, &m, sizeof(m)) != sizeof(m))
		die("peer");
	return m.number;
}
