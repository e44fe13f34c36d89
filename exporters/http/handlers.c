// SPDX-License-Identifier: GPL-2.0-only
/* What the library calls: a connection's life, told to the table of clients. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exporters/http/server.h"

#define REQUEST_BYTES 16384 /* of one request's line and headers, and of the answer's headers */

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
	client_enter(client, CLIENT_SENDING, server_now());
	return reply(&s->site, connection, url, method);
}

static void on_answered(void *cls, struct MHD_Connection *connection, void **request,
			enum MHD_RequestTerminationCode why)
{
	struct server *s = cls;
	struct client *client = clients_find(&s->clients, connection_fd(connection));

	if (client && client->state == CLIENT_SENDING && !client->refused)
		client_enter(client, CLIENT_IDLE, server_now());
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
	client = clients_add(&s->clients, copy, server_now());
	if (client)
		client_enter(client, CLIENT_LINGERING, server_now());
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

int server_start(struct server *s)
{
	s->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL,
				     on_request, s, MHD_OPTION_NOTIFY_COMPLETED, on_answered, s,
				     MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
				     MHD_OPTION_CONNECTION_LIMIT, 2u * CLIENTS_MAX,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES,
				     MHD_OPTION_END);
	return s->daemon ? 0 : -ENOMEM;
}
