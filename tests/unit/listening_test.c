// SPDX-License-Identifier: GPL-2.0-only
/* Which ports a process listens on: of this very process, and of none but it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/probe/listening.h"

static bool is_set(const uint8_t *ports, uint16_t port)
{
	return ports[port / 8] >> port % 8 & 1;
}

/* A socket bound to a free port of loopback, listening or not. */
static int open_socket(int family, bool listens, uint16_t *ret_port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in four = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	void *address = family == AF_INET ? (void *)&four : &six;
	socklen_t size = family == AF_INET ? sizeof(four) : sizeof(six);
	int fd = socket(family, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, address, size), 0);
	if (listens)
		assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, address, &size), 0);
	*ret_port = ntohs(family == AF_INET ? four.sin_port : six.sin6_port);
	return fd;
}

static void test_what_listens_is_known(void **state)
{
	static uint8_t ports[65536 / 8];
	uint16_t four, six, bound;
	int fds[] = { open_socket(AF_INET, true, &four), open_socket(AF_INET6, true, &six),
		      open_socket(AF_INET, false, &bound) };

	memset(ports, 0, sizeof(ports));
	assert_int_equal(listening_ports(getpid(), ports), 0);
	assert_true(is_set(ports, four));
	assert_true(is_set(ports, six));
	assert_false(is_set(ports, bound));
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close(fds[i]);
	memset(ports, 0, sizeof(ports));
	assert_int_equal(listening_ports(getpid(), ports), 0);
	assert_false(is_set(ports, four));
	assert_false(is_set(ports, six));
}

/* Its parent has no such socket, though both see the same tables. */
static void test_what_others_listen_on_is_not_its_own(void **state)
{
	static uint8_t ports[65536 / 8];
	uint16_t port;
	int fd = open_socket(AF_INET, true, &port);

	memset(ports, 0, sizeof(ports));
	assert_int_equal(listening_ports(getppid(), ports), 0);
	assert_false(is_set(ports, port));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_listens_is_known),
		cmocka_unit_test(test_what_others_listen_on_is_not_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
