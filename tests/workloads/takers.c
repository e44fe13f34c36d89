// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaks by the less usual ways to get a descriptor or a child: copies, descriptors that were
 * received, ranges that are closed at once, posix_spawn; and, as a program of its own, across an
 * exec (takers exec).
 */
#include <fcntl.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "tests/workloads/books.h"

static int original = -1; /* what is copied and sent */
static int channel[2];

static int prepare_original(void)
{
	original = must(eventfd(0, EFD_CLOEXEC), "eventfd");
	return 0;
}

static int prepare_channel(void)
{
	must(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, channel), "socketpair");
	return prepare_original();
}

static int keep(struct item *ret, int fd)
{
	ret->a = fd;
	return fd < 0 ? -errno : 0;
}

static void give_descriptor(const struct item *item)
{
	must(close(item->a), "close");
}

static noinline int copy_for_logger(struct item *ret)
{
	return keep(ret, dup(original));
}

static noinline int copy_for_worker(struct item *ret)
{
	return keep(ret, fcntl(original, F_DUPFD_CLOEXEC, 10));
}

/* A message with one descriptor, of this process to itself. */
static void send_original(void)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	struct iovec byte = { "x", 1 };
	struct msghdr message = { .msg_iov = &byte,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.room) };

	memcpy(CMSG_DATA(&control.head), &original, sizeof(original));
	must(sendmsg(channel[0], &message, 0), "sendmsg");
}

static noinline int receive_client(struct item *ret)
{
	char byte, room[CMSG_SPACE(sizeof(int))];
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)
	};
	int fd;

	send_original();
	must(recvmsg(channel[1], &message, MSG_CMSG_CLOEXEC), "recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return keep(ret, fd);
}

static noinline int open_scratch(struct item *ret)
{
	return keep(ret, eventfd(0, EFD_CLOEXEC));
}

static void close_scratch(const struct item *item)
{
	must(syscall(SYS_close_range, item->a, item->a, 0), "close_range");
}

static noinline int run_converter(struct item *ret)
{
	static char *const arguments[] = { (char *)"true", NULL };
	pid_t pid;
	int r = posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, NULL);

	ret->a = pid;
	return -r;
}

static void wait_converter(const struct item *item)
{
	must(waitpid(item->a, NULL, 0), "waitpid");
}

static const struct leak leaks[] = {
	{ "dup", "copy_for_logger", copy_for_logger, give_descriptor, prepare_original, 400, 40 },
	{ "fcntl", "copy_for_worker", copy_for_worker, give_descriptor, prepare_original, 400, 40 },
	{ "received", "receive_client", receive_client, give_descriptor, prepare_channel, 400, 40 },
	{ "close_range", "open_scratch", open_scratch, close_scratch, NULL, 400, 40 },
	{ "spawned", "run_converter", run_converter, wait_converter, NULL, 60, 10 },
	{ 0 },
};

static noinline void open_before_exec(int i)
{
	must(eventfd(0, i % 2 ? EFD_CLOEXEC : 0), "eventfd");
}

static noinline void open_after_exec(void)
{
	must(timerfd_create(CLOCK_MONOTONIC, 0), "timerfd_create");
}

/* Takes 20 eventfds a second for five seconds, half of which the exec closes; then timerfds. */
static void play_exec(const char *program, const char *stage)
{
	prctl(PR_SET_PDEATHSIG, 9);
	if (strcmp(stage, "exec") == 0) {
		for (int i = 0; i < 100; i++, usleep(50000))
			open_before_exec(i);
		execl(program, program, "executed", NULL);
		die("exec");
	}
	for (;; usleep(50000))
		open_after_exec();
}

int main(int argc, char **argv)
{
	if (argc == 2 && strncmp(argv[1], "exec", 4) == 0)
		play_exec(argv[0], argv[1]);
	return leak_main(argc, argv, leaks);
}
