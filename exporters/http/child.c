// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>
#include <seccomp.h>

#include "agent/base/child.h"
#include "agent/base/cleanup.h"
#include "agent/base/message.h"
#include "agent/base/sandbox.h"
#include "exporters/http/clients.h"
#include "exporters/http/reply.h"

#define CONTROL_FD	CHILD_FIRST_FD
#define LISTEN_FD	(CHILD_FIRST_FD + 1)
#define REQUEST_BYTES	16384 /* of one request's line and headers, and of the answer's headers */
#define DESCRIPTORS	(2 * CLIENTS_MAX + 32)
#define ADDRESS_SPACE	((size_t)512 << 20)
#define ACCEPTS_AT_ONCE 16

enum { POLL_CONTROL, POLL_LISTEN, POLL_DAEMON, POLL_CLIENTS };

struct server {
	struct MHD_Daemon *daemon;
	struct clients clients;
	struct site site;
};

static int64_t now_ms(void)
{
	return (int64_t)(monotonic_ns() / 1000000);
}

static int connection_fd(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *data_size, void **request)
{
	struct server *s = cls;
	struct client *client = clients_find(&s->clients, connection_fd(connection));

	if (!client)
		return MHD_NO;
	if (!*request) {
		/* The first of two calls. An answer now would end the connection, which is right
		 * for one whose body nobody wants to read. */
		*request = client;
		client->refused = reply_has_body(connection);
		if (!client->refused)
			return MHD_YES;
	}
	client_enter(client, CLIENT_SENDING, now_ms());
	return reply(&s->site, connection, url, method);
}

static void on_answered(void *cls, struct MHD_Connection *connection, void **request,
			enum MHD_RequestTerminationCode why)
{
	struct server *s = cls;
	struct client *client = clients_find(&s->clients, connection_fd(connection));

	if (client && client->state == CLIENT_SENDING && !client->refused)
		client_enter(client, CLIENT_IDLE, now_ms());
}

/*
 * To close a socket with unread bytes resets the connection, and the client may lose the answer
 * that tells why. So a copy outlives the library's descriptor and reads on for a moment.
 */
static void linger(struct server *s, int fd)
{
	struct client *client;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return;
	shutdown(copy, SHUT_WR);
	client = clients_add(&s->clients, copy, now_ms());
	if (client)
		client_enter(client, CLIENT_LINGERING, now_ms());
	else
		close(copy);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct server *s = cls;
	struct client *client = clients_find(&s->clients, connection_fd(connection));
	bool unread;

	if (what != MHD_CONNECTION_NOTIFY_CLOSED || !client)
		return;
	unread = client->state == CLIENT_READING ||
		 (client->state == CLIENT_SENDING && client->refused);
	client_remove(client);
	if (unread)
		linger(s, connection_fd(connection));
}

static void end_lingering(struct client *client)
{
	close(client->fd);
	client_remove(client);
}

static void drain(struct client *client)
{
	char waste[16384];
	ssize_t n = recv(client->fd, waste, sizeof(waste), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		end_lingering(client);
}

/* The library closes what it owns when it sees the end. */
static void give_up(struct server *s, struct client *client)
{
	if (client->state == CLIENT_LINGERING)
		end_lingering(client);
	else
		client_cut(client);
}

static void accept_one(struct server *s, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct client *client = clients_add(&s->clients, fd, now_ms());

	if (!client) {
		struct client *oldest = clients_oldest(&s->clients);

		if (oldest)
			give_up(s, oldest);
		MHD_run(s->daemon);
		client = clients_add(&s->clients, fd, now_ms());
	}
	if (!client) {
		close(fd);
		return;
	}
	/* It closes the descriptor when it fails. */
	if (MHD_add_connection(s->daemon, fd, addr, len) != MHD_YES)
		client_remove(client);
}

static void accept_clients(struct server *s)
{
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		struct sockaddr_storage addr;
		socklen_t len = sizeof(addr);
		int fd = accept4(LISTEN_FD, (struct sockaddr *)&addr, &len,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		accept_one(s, fd, (struct sockaddr *)&addr, len);
	}
}

/* -EPIPE when the agent is gone. A census that cannot be mapped leaves the one before. */
static int receive_snapshot(struct server *s)
{
	struct http_snapshot sizes;
	_cleanup_close_ int fd = -1;
	struct snapshot *fresh;
	ssize_t n = message_receive(CONTROL_FD, &sizes, sizeof(sizes), 0, &fd);

	if (n < 0)
		return (int)n;
	if (n != sizeof(sizes) || fd < 0 || snapshot_new(fd, &sizes, &fresh) < 0)
		return 0;
	snapshot_free(s->site.snapshot);
	s->site.snapshot = fresh;
	return 0;
}

/* Those whose next byte we have to see before the library reads it, and those we read ourselves. */
static bool is_watched(const struct client *client)
{
	return client->fd >= 0 &&
	       (client->state == CLIENT_IDLE || client->state == CLIENT_LINGERING);
}

static size_t list_polled(struct server *s, struct pollfd *fds)
{
	size_t n = POLL_CLIENTS;

	fds[POLL_CONTROL] = (struct pollfd){ .fd = CONTROL_FD, .events = POLLIN };
	fds[POLL_LISTEN] = (struct pollfd){ .fd = LISTEN_FD, .events = POLLIN };
	fds[POLL_DAEMON] = (struct pollfd){
		.fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
		.events = POLLIN,
	};
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (is_watched(&s->clients.rows[i]))
			fds[n++] = (struct pollfd){ .fd = s->clients.rows[i].fd, .events = POLLIN };
	return n;
}

static int poll_timeout(struct server *s)
{
	int timeout = clients_timeout(&s->clients, now_ms());
	MHD_UNSIGNED_LONG_LONG library;

	if (MHD_get_timeout(s->daemon, &library) == MHD_YES &&
	    (timeout < 0 || library < (MHD_UNSIGNED_LONG_LONG)timeout))
		timeout = (int)library;
	return timeout;
}

static void tend_clients(struct server *s, const struct pollfd *fds, size_t n)
{
	struct client *late;

	for (size_t i = POLL_CLIENTS; i < n; i++) {
		struct client *client =
			fds[i].revents ? clients_find(&s->clients, fds[i].fd) : NULL;

		if (client && client->state == CLIENT_LINGERING)
			drain(client);
		else if (client)
			client_enter(client, CLIENT_READING, now_ms());
	}
	while ((late = clients_late(&s->clients, now_ms())))
		give_up(s, late);
}

static int serve(struct server *s)
{
	for (;;) {
		struct pollfd fds[POLL_CLIENTS + CLIENTS_MAX];
		size_t n = list_polled(s, fds);
		int r;

		if (poll(fds, n, poll_timeout(s)) < 0 && errno != EINTR)
			return -errno;
		if (fds[POLL_CONTROL].revents) {
			r = receive_snapshot(s);
			if (r < 0)
				return r;
		}
		tend_clients(s, fds, n);
		if (fds[POLL_LISTEN].revents)
			accept_clients(s);
		MHD_run(s->daemon);
	}
}

static int start_daemon(struct server *s)
{
	s->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL,
				     on_request, s, MHD_OPTION_NOTIFY_COMPLETED, on_answered, s,
				     MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
				     MHD_OPTION_CONNECTION_LIMIT, 2u * CLIENTS_MAX,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES,
				     MHD_OPTION_END);
	return s->daemon ? 0 : -ENOMEM;
}

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
	static struct server server;
	int r;

	/* The agent ends the child; a Ctrl-C at the terminal or systemd's first signal does not. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	clients_init(&server.clients);
	if (start_daemon(&server) < 0 || enter_sandbox() < 0)
		return EXIT_FAILURE;
	if (message_receive(CONTROL_FD, server.site.path, HTTP_PATH_MAX, 0, NULL) < 0)
		return EXIT_FAILURE;
	r = serve(&server);
	return r == -EPIPE ? EXIT_SUCCESS : EXIT_FAILURE;
}

CHILD_ENTRY(http_child, "seep-web", run_child)
