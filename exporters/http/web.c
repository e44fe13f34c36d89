// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include "agent/base/child.h"
#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/base/message.h"
#include "exporters/http/address.h"
#include "exporters/http/protocol.h"
#include "exporters/http/sealed.h"
#include "exporters/http/web.h"
#include "exporters/page.h"
#include "exporters/prometheus.h"
#include "exporters/selection.h"

#define BACKLOG	    512
#define RESTART_NS  1000000000ull  /* at least between two starts of the child */
#define HANG_NS	    10000000000ull /* for the child to take a message before it is replaced */
#define QUEUE_BYTES 4096 /* of messages, which is a few: each holds the memory of a census */

struct web {
	char address[ADDRESS_TEXT];
	char path[HTTP_PATH_MAX + 1];
	int listen_fd;
	int control_fd; /* -1: no child */
	pid_t child;
	uint64_t started,
		sent; /* monotonic_ns(): the child, and the last message that it had room for */
	uint64_t crashes;
	int last_fd; /* of the last census, -1 before the first */
	struct http_snapshot last;
	struct buffer body; /* kept from census to census */
};

/* ":port" means every address, IPv4 too, wherever IPv6 exists at all. */
static int open_socket(struct sockaddr_storage *addr, socklen_t *len)
{
	int fd = socket(addr->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in6 *v6 = (void *)addr;
	struct sockaddr_in *v4 = (void *)addr;
	in_port_t port = v6->sin6_port;

	if (fd >= 0 || errno != EAFNOSUPPORT || addr->ss_family != AF_INET6 ||
	    !IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
		return fd < 0 ? -errno : fd;
	*v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port };
	*len = sizeof(*v4);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? -errno : fd;
}

static int open_listener(struct web *w, struct sockaddr_storage *addr, socklen_t len)
{
	_cleanup_close_ int fd = open_socket(addr, &len);
	int one = 1;

	if (fd < 0)
		return fd;
	/* After a restart the port may still have connections in TIME_WAIT. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)addr, len) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	len = sizeof(*addr);
	if (getsockname(fd, (struct sockaddr *)addr, &len) < 0)
		return -errno;
	address_format(addr, w->address, sizeof(w->address));
	w->listen_fd = TAKE_FD(fd);
	return 0;
}

static int set_path(struct web *w, const char *path)
{
	size_t len = strlen(path);

	if (path[0] != '/' || len > HTTP_PATH_MAX || strncmp(path, "/-/", 3) == 0)
		return -EINVAL;
	for (const char *p = path; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("?#%\"<>\\", *p))
			return -EINVAL;
	strcpy(w->path, path);
	return 0;
}

/* Without waiting: -ETIMEDOUT when the child has not taken those before. */
static int send_now(struct web *w, struct iovec *part, int fd)
{
	uint64_t now = monotonic_ns();
	int r = message_send(w->control_fd, part, 1, fd, now);

	if (r == 0)
		w->sent = now;
	return r;
}

static int send_last(struct web *w)
{
	struct iovec part = { &w->last, sizeof(w->last) };

	return w->last_fd < 0 ? 0 : send_now(w, &part, w->last_fd);
}

static int start_child(struct web *w)
{
	struct iovec path = { w->path, strlen(w->path) };
	_cleanup_close_ int ours = -1, theirs = -1;
	int pair[2], bytes = QUEUE_BYTES, r;

	r = message_pair(pair);
	if (r < 0)
		return r;
	ours = pair[0];
	theirs = pair[1];
	if (setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) < 0)
		return -errno;
	r = child_spawn(&http_child, (const int[]){ theirs, w->listen_fd }, 2, &w->child);
	if (r < 0)
		return r;
	w->control_fd = TAKE_FD(ours);
	w->started = monotonic_ns();
	r = send_now(w, &path, -1);
	return r < 0 ? r : send_last(w);
}

static void end_child(struct web *w)
{
	w->control_fd = safe_close(w->control_fd);
	child_end(w->child);
	w->child = 0;
}

/* The child never speaks, so anything to be read is its end. */
bool web_is_alive(const struct web *w)
{
	struct pollfd p = { .fd = w->control_fd, .events = POLLIN };

	return w->control_fd >= 0 && poll(&p, 1, 0) == 0;
}

static void replace_child(struct web *w, const char *why)
{
	int r;

	if (w->control_fd >= 0) {
		w->crashes++;
		log_warn(0, "web: the child %s, starting another", why);
		end_child(w);
	}
	if (monotonic_ns() - w->started < RESTART_NS)
		return; /* the next census tries again */
	r = start_child(w);
	if (r < 0) {
		log_warn(r, "web: cannot start the child, trying again at the next census");
		end_child(w);
	}
}

void web_tend(struct web *w)
{
	if (!web_is_alive(w))
		replace_child(w, "died");
}

int web_new(const struct web_options *o, struct web **ret)
{
	_cleanup_(web_freep) struct web *w = calloc(1, sizeof(*w));
	struct sockaddr_storage addr;
	socklen_t len;
	int r;

	if (!w)
		return log_error(-ENOMEM, "web");
	w->listen_fd = w->control_fd = w->last_fd = -1;
	if (set_path(w, o->telemetry_path) < 0) {
		log_error(0, "web: '%s' is no path for metrics; it is like /metrics",
			  o->telemetry_path);
		return -EINVAL;
	}
	if (address_parse(o->listen_address, &addr, &len) < 0) {
		log_error(0,
			  "web: '%s' is no address to listen on; it is like 127.0.0.1:10049, "
			  "[::1]:10049 or :10049",
			  o->listen_address);
		return -EINVAL;
	}
	r = open_listener(w, &addr, len);
	if (r < 0) {
		log_error(r, "web: cannot listen on %s", o->listen_address);
		return r == -EINVAL ? -EADDRNOTAVAIL : r;
	}
	r = start_child(w);
	if (r < 0)
		return log_error(r, "web: cannot start the child");
	*ret = TAKE_PTR(w);
	return 0;
}

void web_free(struct web *w)
{
	if (!w)
		return;
	end_child(w);
	safe_close(w->listen_fd);
	safe_close(w->last_fd);
	buffer_done(&w->body);
	free(w);
}

const char *web_address(const struct web *w)
{
	return w->address;
}

int web_fd(const struct web *w)
{
	return w->control_fd;
}

static int write_body(struct web *w, const struct model *m, enum http_body body)
{
	buffer_reset(&w->body);
	switch (body) {
	case HTTP_TEXT:
		return prometheus_write(m, PROMETHEUS_TEXT, &w->body);
	case HTTP_OPENMETRICS:
		return prometheus_write(m, PROMETHEUS_OPENMETRICS, &w->body);
	default:
		return page_write(m, w->path, &w->body);
	}
}

/* Replace the last census by this one. */
static int write_census(struct web *w, const struct model *m)
{
	_cleanup_close_ int fd = sealed_new("seep-census");
	struct http_snapshot sizes;
	int r = fd < 0 ? fd : 0;

	for (enum http_body b = 0; r == 0 && b < HTTP_BODIES; b++) {
		r = write_body(w, m, b);
		if (r == 0)
			r = sealed_add(fd, w->body.data, w->body.len);
		sizes.len[b] = w->body.len;
	}
	if (r == 0)
		r = sealed_close(fd);
	if (r < 0)
		return r;
	safe_close(w->last_fd);
	w->last_fd = TAKE_FD(fd);
	w->last = sizes;
	return 0;
}

int web_publish(struct web *w, struct model *m)
{
	bool alive = web_is_alive(w);
	int r;

	selection_count_drops(m);
	m->lost[LOSS_WEB][LOSS_CRASHED] = w->crashes + (!alive && w->control_fd >= 0);
	r = write_census(w, m);
	if (r < 0)
		return r;
	if (alive) {
		r = send_last(w);
		if (r != -ETIMEDOUT || monotonic_ns() - w->sent < HANG_NS)
			return r;
		replace_child(w, "hangs");
	}
	web_tend(w); /* which sends it */
	return web_is_alive(w) ? 0 : -EPIPE;
}
