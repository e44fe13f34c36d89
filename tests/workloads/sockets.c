// SPDX-License-Identifier: GPL-2.0-only
/* Leaks sockets: plain, accepted, outgoing, hung up by the peer, unanswered, queued, UDP, unix. */
#include <fcntl.h>
#include <netinet/tcp.h>

#include "tests/workloads/peer.h"

static int listener = -1;
static int listener_port;

/* Two keys: the descriptor's kind, and the view beside it. */
static int keep(struct item *ret, int fd, const char *view)
{
	if (fd < 0)
		return -errno;
	ret->a = fd;
	book("fd/socket", 1);
	book(view, 1);
	return 0;
}

static void drop(const struct item *item, const char *view)
{
	must(close(item->a), "close");
	book("fd/socket", -1);
	book(view, -1);
}

static int tcp_state(int fd, struct tcp_info *info)
{
	socklen_t len = sizeof(*info);

	must(getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len), "TCP_INFO");
	return info->tcpi_state;
}

static noinline int make_upstream_socket(struct item *ret)
{
	return keep(ret, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "tcp/CLOSE");
}

static void give_socket(const struct item *item)
{
	drop(item, "tcp/CLOSE");
}

static noinline int listen_for_transfer(struct item *ret)
{
	int port;

	return keep(ret, listen_loopback(8, &port), "tcp/LISTEN");
}

static void give_listen(const struct item *item)
{
	drop(item, "tcp/LISTEN");
}

static int prepare_listener(void)
{
	struct item item;

	peer_start();
	listener = listen_loopback(4096, &listener_port);
	return keep(&item, listener, "tcp/LISTEN");
}

static noinline int accept_client(struct item *ret)
{
	ret->b = peer_do('c', listener_port);
	return keep(ret, accept4(listener, NULL, NULL, SOCK_CLOEXEC), "tcp/ESTABLISHED");
}

static noinline int connect_to_backend(struct item *ret)
{
	struct sockaddr_in addr = loopback(peer_port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	ret->b = peer_do('a', 0);
	return keep(ret, fd, "tcp/ESTABLISHED");
}

static void give_connection(const struct item *item)
{
	drop(item, "tcp/ESTABLISHED");
	peer_do('h', item->b);
}

/* The backend hangs up and nobody here looks. */
static noinline int connect_and_forget(struct item *ret)
{
	struct sockaddr_in addr = loopback(peer_port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd hangup = { .fd = fd, .events = POLLRDHUP };
	struct tcp_info info;

	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	peer_do('h', peer_do('a', 0));
	must(poll(&hangup, 1, 5000), "poll");
	if (tcp_state(fd, &info) != TCP_CLOSE_WAIT)
		return -EPROTO;
	return keep(ret, fd, "tcp/CLOSE_WAIT");
}

static void give_close_wait(const struct item *item)
{
	drop(item, "tcp/CLOSE_WAIT");
}

/* The peer's queue holds one connection more than its backlog of 0; then it answers no SYN. */
static int prepare_unanswered(void)
{
	struct item item;

	peer_start_with(0);
	return keep(&item, connect_loopback(peer_port), "tcp/ESTABLISHED");
}

static noinline int connect_to_dead_backend(struct item *ret)
{
	struct sockaddr_in addr = loopback(peer_port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 ||
	    errno != EINPROGRESS)
		return -errno;
	return keep(ret, fd, "tcp/SYN_SENT");
}

static void give_unanswered(const struct item *item)
{
	drop(item, "tcp/SYN_SENT");
}

static int queued(void)
{
	struct tcp_info info;

	tcp_state(listener, &info);
	return info.tcpi_unacked; /* of a listener: its accept queue, tcp_get_info() */
}

static noinline int queue_client(struct item *ret)
{
	int before = queued();

	ret->b = peer_do('c', listener_port);
	while (queued() == before)
		usleep(100);
	book("backlog", 1);
	return 0;
}

/* The oldest leaves the queue, whichever was drawn; the peer's own end stays where it is. */
static void give_queued(const struct item *item)
{
	(void)item;
	must(close(must(accept(listener, NULL, NULL), "accept")), "close");
	book("backlog", -1);
}

static noinline int make_query_socket(struct item *ret)
{
	return keep(ret, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "udp");
}

static void give_udp(const struct item *item)
{
	drop(item, "udp");
}

static noinline int make_log_socket(struct item *ret)
{
	return keep(ret, socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "unix");
}

static void give_unix(const struct item *item)
{
	drop(item, "unix");
}

static const struct leak leaks[] = {
	{ "socket", "make_upstream_socket", make_upstream_socket, give_socket, NULL, 400, 40 },
	{ "listen", "listen_for_transfer", listen_for_transfer, give_listen, NULL, 100, 10 },
	{ "accepted", "accept_client", accept_client, give_connection, prepare_listener, 200, 12 },
	{ "outgoing", "connect_to_backend", connect_to_backend, give_connection, peer_start, 200,
	  12 },
	{ "close_wait", "connect_and_forget", connect_and_forget, give_close_wait, peer_start, 200,
	  12 },
	{ "syn_sent", "connect_to_dead_backend", connect_to_dead_backend, give_unanswered,
	  prepare_unanswered, 100, 10 },
	{ "backlog", "queue_client", queue_client, give_queued, prepare_listener, 200, 12 },
	{ "udp", "make_query_socket", make_query_socket, give_udp, NULL, 400, 40 },
	{ "unix", "make_log_socket", make_log_socket, give_unix, NULL, 400, 40 },
	{ 0 },
};

int main(int argc, char **argv)
{
	return leak_main(argc, argv, leaks);
}
