// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the benchmarks count: processes that hold descriptors and sleep.
 *
 *   holder PROCESSES EVENTFDS TCP   each process opens so many eventfds and TCP sockets (both ends
 *                                   of a connection to itself), then "ready" is printed once
 *   holder connect PER_SECOND SECONDS   opens and closes so many connections a second to itself
 *   holder fork COUNT               forks and reaps so many children, prints the seconds it took
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "holder: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A listener at an address of the loopback net that only this process uses. */
static int listen_at(unsigned int n, struct sockaddr_in *ret)
{
	socklen_t len = sizeof(*ret);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010001 + n) };
	if (fd < 0 || bind(fd, (struct sockaddr *)ret, sizeof(*ret)) || listen(fd, 4096) ||
	    getsockname(fd, (struct sockaddr *)ret, &len))
		die("listen");
	return fd;
}

static int connect_to(const struct sockaddr_in *to, int listener, int *ret_other)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		die("connect");
	*ret_other = accept(listener, NULL, NULL);
	if (*ret_other < 0)
		die("accept");
	return fd;
}

static void hold(unsigned int n, int eventfds, int tcp, int ready)
{
	struct sockaddr_in address;
	int other, listener = tcp ? listen_at(n, &address) : -1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < eventfds; i++)
		if (eventfd(0, 0) < 0)
			die("eventfd");
	for (int i = 0; i < tcp / 2; i++)
		connect_to(&address, listener, &other);
	if (write(ready, "r", 1) != 1)
		die("write");
	pause();
	exit(0);
}

static int hold_all(int processes, int eventfds, int tcp)
{
	struct rlimit limit;
	int ready[2];
	char byte;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (pipe(ready))
		die("pipe");
	for (int i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0)
			hold((unsigned int)i, eventfds, tcp, ready[1]);
	}
	for (int i = 0; i < processes; i++)
		if (read(ready[0], &byte, 1) != 1)
			die("read");
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}

/* In steps of ten milliseconds; a reset at the end leaves no TIME_WAIT behind. */
static int connect_at_rate(int per_second, double seconds)
{
	struct linger reset = { 1, 0 };
	struct sockaddr_in address;
	int listener = listen_at(0xfff0, &address), done = 0;
	double begin = now();

	while (now() - begin < seconds) {
		while (done < (now() - begin) * per_second) {
			int other, fd = connect_to(&address, listener, &other);

			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
			close(fd);
			close(other);
			done++;
		}
		usleep(10000);
	}
	printf("%.0f\n", done / (now() - begin));
	return 0;
}

static int fork_often(int count)
{
	double begin = now();

	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			die("fork");
	}
	printf("%.6f\n", now() - begin);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "connect") == 0)
		return connect_at_rate(atoi(argv[2]), atof(argv[3]));
	if (argc == 3 && strcmp(argv[1], "fork") == 0)
		return fork_often(atoi(argv[2]));
	if (argc == 4)
		return hold_all(atoi(argv[1]), atoi(argv[2]), atoi(argv[3]));
	fprintf(stderr, "usage: holder PROCESSES EVENTFDS TCP | connect RATE SECONDS | fork COUNT\n");
	return 2;
}
