// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/base/message.h"
#include "exporters/http/server.h"

#define ACCEPTS_AT_ONCE 16
#define DEAF_MS		100 /* after an accept that failed for want of memory or of descriptors */

enum { POLL_CONTROL, POLL_LISTEN, POLL_DAEMON, POLL_CLIENTS };

int64_t server_now(void)
{
	return (int64_t)(monotonic_ns() / 1000000);
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
	struct client *client = clients_add(&s->clients, fd, server_now());

	if (!client) {
		struct client *oldest = clients_oldest(&s->clients);

		if (oldest)
			give_up(s, oldest);
		MHD_run(s->daemon);
		client = clients_add(&s->clients, fd, server_now());
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
		int fd = accept4(s->listen_fd, (struct sockaddr *)&addr, &len,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			    errno == ENOBUFS)
				s->deaf_until = server_now() + DEAF_MS;
			return;
		}
		accept_one(s, fd, (struct sockaddr *)&addr, len);
	}
}

/* -EPIPE when the agent is gone. A census that cannot be mapped leaves the one before. */
static int receive_snapshot(struct server *s)
{
	struct http_snapshot sizes;
	_cleanup_close_ int fd = -1;
	struct snapshot *fresh;
	ssize_t n = message_receive(s->control_fd, &sizes, sizeof(sizes), 0, &fd);

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

static bool is_deaf(const struct server *s)
{
	return server_now() < s->deaf_until;
}

static size_t list_polled(struct server *s, struct pollfd *fds)
{
	size_t n = POLL_CLIENTS;

	fds[POLL_CONTROL] = (struct pollfd){ .fd = s->control_fd, .events = POLLIN };
	fds[POLL_LISTEN] =
		(struct pollfd){ .fd = is_deaf(s) ? -1 : s->listen_fd, .events = POLLIN };
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
	int timeout = clients_timeout(&s->clients, server_now());
	MHD_UNSIGNED_LONG_LONG library;

	if (is_deaf(s) && (timeout < 0 || timeout > DEAF_MS))
		timeout = DEAF_MS;
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
			client_enter(client, CLIENT_READING, server_now());
	}
	while ((late = clients_late(&s->clients, server_now())))
		give_up(s, late);
}

int server_run(struct server *s)
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
