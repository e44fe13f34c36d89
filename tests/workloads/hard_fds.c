// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors that are hard to count: duplicated, passed on, in tables shared and unshared, many.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/workloads/scenario.h"

/* dup, dup2 over an open one, close_range, and what exec closes. */
static int play_dup(void)
{
	int first, ends[2];

	books_open();
	first = open_eventfds(10);
	for (int i = 0; i < 30; i++)
		must(dup(first + i % 10), "dup");
	book("fd/eventfd", 30);
	stop_here();
	must(pipe(ends), "pipe");
	must(dup2(first, ends[0]), "dup2");
	book("fd/pipe", 1);
	book("fd/eventfd", 1);
	stop_here();
	must(syscall(SYS_close_range, first + 10, first + 29, 0), "close_range");
	book("fd/eventfd", -20);
	stop_here();
	must(syscall(SYS_close_range, first, first + 4, CLOSE_RANGE_CLOEXEC), "close_range");
	must(execl("/proc/self/exe", "hard_fds", "after_exec", NULL), "execl");
	return 1;
}

/* What is left of play_dup: 21 less the five marked. */
static int play_after_exec(void)
{
	books_start();
	book("fd/eventfd", 16);
	book("fd/pipe", 1);
	scenario_barrier = 3;
	stop_here();
	return 0;
}

/* Messages of the passing scenario: a byte, with descriptors or without. */
#define PASSED 20

static void send_descriptors(int channel, const int *fds)
{
	char control[CMSG_SPACE(PASSED * sizeof(int))] = { 0 }, byte = 'f';
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(PASSED * sizeof(int));
	memcpy(CMSG_DATA(header), fds, PASSED * sizeof(int));
	must(sendmsg(channel, &message, 0), "sendmsg");
}

static void receive_descriptors(int channel)
{
	char control[CMSG_SPACE(PASSED * sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	must(recvmsg(channel, &message, 0), "recvmsg");
	book("fd/eventfd", PASSED);
}

/* The child prints its books when a byte comes on orders, and then answers. */
static void receiver_main(int channel, int orders)
{
	char byte;

	for (int barrier = 0; read(orders, &byte, 1) == 1; barrier++) {
		if (byte == 'r')
			receive_descriptors(channel);
		books_print(barrier, scenario_name);
		must(write(orders, &byte, 1), "write");
	}
	_exit(0);
}

static void order(int orders, char byte)
{
	must(write(orders, &byte, 1), "write");
	must(read(orders, &byte, 1), "read");
}

/* Descriptors in flight belong to nobody; then the child has them. */
static int play_passing(void)
{
	int channel[2], orders[2], fds[PASSED], first;

	books_open();
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, channel), "socketpair");
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, orders), "socketpair");
	book("fd/socket", 2);
	book("unix", 2);
	if (must(fork(), "fork") == 0) {
		prctl(PR_SET_PDEATHSIG, 9);
		close(channel[0]);
		close(orders[0]);
		receiver_main(channel[1], orders[1]);
	}
	book("process/child", 1);
	first = open_eventfds(PASSED);
	close(channel[1]);
	close(orders[1]);
	for (int i = 0; i < PASSED; i++)
		fds[i] = first + i;
	send_descriptors(channel[0], fds);
	order(orders[0], 'p');
	stop_here();
	must(syscall(SYS_close_range, first, first + PASSED - 1, 0), "close_range");
	book("fd/eventfd", -PASSED);
	order(orders[0], 'p');
	stop_here();
	order(orders[0], 'r');
	stop_here();
	return 0;
}

#define SHARERS 8

static pthread_barrier_t steps; /* the sharers and the leader go from step to step together */

static pid_t gone; /* the thread that ends */

static void *sharer_main(void *arg)
{
	intptr_t number = (intptr_t)arg;

	if (number == 0)
		gone = gettid();
	pthread_barrier_wait(&steps);
	if (number < 2) {
		must(unshare(CLONE_FILES), "unshare");
		for (int i = 0; i < 5; i++)
			must(eventfd(0, 0), "eventfd");
	}
	pthread_barrier_wait(&steps);
	pthread_barrier_wait(&steps);
	if (number == 0)
		return NULL;
	for (;;)
		pause();
}

/* Two of eight threads take a table of their own: a copy of everything, and five more. */
static int play_tables(void)
{
	pthread_t threads[SHARERS];

	books_open();
	pthread_barrier_init(&steps, NULL, SHARERS + 1);
	open_eventfds(20);
	for (intptr_t i = 0; i < SHARERS; i++)
		if (pthread_create(&threads[i], NULL, sharer_main, (void *)i) != 0)
			die("pthread_create");
	book("thread", SHARERS);
	stop_here();
	pthread_barrier_wait(&steps);
	pthread_barrier_wait(&steps);
	books_standard(2);
	book("fd/eventfd", 2 * 25);
	stop_here();
	pthread_barrier_wait(&steps);
	pthread_join(threads[0], NULL);
	task_wait_gone(gone);
	books_standard(-1);
	book("fd/eventfd", -25 + 7);
	for (int i = 0; i < 7; i++)
		must(eventfd(0, 0), "eventfd");
	book("thread", -1);
	stop_here();
	return 0;
}

#define DELETED 200

/* Each file has two descriptors, and its bytes once. */
static int play_deleted(void)
{
	static const char page[4096];

	books_open();
	for (int i = 0; i < DELETED; i++) {
		char name[] = "deleted-XXXXXX";
		int fd = must(mkstemp(name), name);

		must(unlink(name), name);
		must(write(fd, page, sizeof(page)), name);
		must(dup(fd), "dup");
	}
	book("fd/file", 2 * DELETED);
	book("deleted", DELETED * sizeof(page));
	stop_here();
	return 0;
}

#define MANY 10000

static int play_many(void)
{
	struct rlimit limit;

	books_open();
	must(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
	if (limit.rlim_max < MANY + 100) {
		fprintf(stderr, "RLIMIT_NOFILE cannot go to %d\n", MANY + 100);
		return NO_SUCH_HERE;
	}
	limit.rlim_cur = MANY + 100;
	must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	open_eventfds(MANY);
	stop_here();
	return 0;
}

static const struct scenario scenarios[] = {
	{ "dup", play_dup },	     { "after_exec", play_after_exec },
	{ "passing", play_passing }, { "tables", play_tables },
	{ "deleted", play_deleted },
	{ "many", play_many },	     { 0 },
};

int main(int argc, char **argv)
{
	return scenario_main(argc, argv, scenarios);
}
