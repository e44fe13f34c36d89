// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "agent/base/cleanup.h"
#include "agent/base/message.h"

#define NS_PER_S 1000000000ull

union control {
	struct cmsghdr header; /* for its alignment */
	char bytes[CMSG_SPACE(sizeof(int))];
};

uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int message_pair(int ret_fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0 ? -errno : 0;
}

/* 0 when the descriptor is ready (or broken: the call after it tells), -ETIMEDOUT when late. */
static int wait_ready(int fd, short events, uint64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do {
		uint64_t now = monotonic_ns();
		uint64_t left = now < deadline ? deadline - now : 0;
		struct timespec t = { .tv_sec = (time_t)(left / NS_PER_S),
				      .tv_nsec = (long)(left % NS_PER_S) };

		n = ppoll(&p, 1, &t, NULL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static void attach_descriptor(struct msghdr *m, union control *c, int pass)
{
	struct cmsghdr *h;

	m->msg_control = c->bytes;
	m->msg_controllen = sizeof(c->bytes);
	h = CMSG_FIRSTHDR(m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &pass, sizeof(pass));
}

int message_send(int fd, const struct iovec *parts, size_t n, int pass, uint64_t deadline)
{
	union control c = { 0 };
	struct msghdr m = { .msg_iov = (struct iovec *)parts, .msg_iovlen = n };
	int flags = MSG_NOSIGNAL | (deadline ? MSG_DONTWAIT : 0);

	if (pass >= 0)
		attach_descriptor(&m, &c, pass);
	while (sendmsg(fd, &m, flags) < 0) {
		int r = errno == EAGAIN && deadline ? wait_ready(fd, POLLOUT, deadline)
			: errno == EINTR	    ? 0
			: errno == ECONNRESET	    ? -EPIPE
						    : -errno;

		if (r < 0)
			return r;
	}
	return 0;
}

static int take_descriptor(struct msghdr *m)
{
	struct cmsghdr *h = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS &&
	    h->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(h), sizeof(fd));
	return fd;
}

ssize_t message_receive(int fd, void *dst, size_t size, uint64_t deadline, int *ret_pass)
{
	union control c = { 0 };
	struct iovec part = { .iov_base = dst, .iov_len = size };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	_cleanup_close_ int pass = -1;
	ssize_t n;

	if (ret_pass) { /* without room the kernel drops what was sent */
		m.msg_control = c.bytes;
		m.msg_controllen = sizeof(c.bytes);
	}
	do {
		int r = deadline ? wait_ready(fd, POLLIN, deadline) : 0;

		if (r < 0)
			return r;
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | (deadline ? MSG_DONTWAIT : 0));
	} while (n < 0 && (errno == EINTR || (errno == EAGAIN && deadline)));
	if (n <= 0)
		return n == 0 || errno == ECONNRESET ? -EPIPE : -errno;
	pass = ret_pass ? take_descriptor(&m) : -1;
	if (m.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	if (ret_pass)
		*ret_pass = TAKE_FD(pass);
	return n;
}
