// SPDX-License-Identifier: GPL-2.0-only
/* Leaks descriptors of each kind, timers, watches and deleted files; files lie in the folder it
 * runs in. */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "tests/workloads/books.h"

/* Keep a descriptor, or pass the error on. */
static int keep(struct item *ret, int fd, const char *key)
{
	if (fd < 0)
		return -errno;
	ret->a = fd;
	book(key, 1);
	return 0;
}

static void drop(const struct item *item, const char *key)
{
	must(close(item->a), "close");
	book(key, -1);
}

#define GIVE(name, key)                                                                            \
	static void give_##name(const struct item *item)                                           \
	{                                                                                          \
		drop(item, key);                                                                   \
	}

static noinline int open_session_file(struct item *ret)
{
	int r = keep(ret, open("session.log", O_CREAT | O_APPEND | O_WRONLY, 0600), "fd/file");

	if (r < 0)
		return r;
	must(write(ret->a, "begin\n", 6), "session.log");
	return 0;
}
GIVE(file, "fd/file")

static noinline int open_request_pipe(struct item *ret)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	ret->a = ends[0];
	ret->b = ends[1];
	book("fd/pipe", 2);
	return 0;
}

static void give_pipe(const struct item *item)
{
	must(close(item->a), "close");
	must(close(item->b), "close");
	book("fd/pipe", -2);
}

static noinline int make_wakeup_eventfd(struct item *ret)
{
	return keep(ret, eventfd(0, EFD_CLOEXEC), "fd/eventfd");
}
GIVE(eventfd, "fd/eventfd")

static noinline int arm_session_timerfd(struct item *ret)
{
	struct itimerspec hour = { .it_value.tv_sec = 3600 };
	int r = keep(ret, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "fd/timerfd");

	if (r < 0)
		return r;
	book("timer/timerfd", 1);
	return timerfd_settime(ret->a, 0, &hour, NULL) < 0 ? -errno : 0;
}

static void give_timerfd(const struct item *item)
{
	drop(item, "fd/timerfd");
	book("timer/timerfd", -1);
}

static noinline int arm_request_timeout(struct item *ret)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
		return -errno;
	ret->a = (intptr_t)timer;
	book("timer/posix", 1);
	return 0;
}

static void give_posix_timer(const struct item *item)
{
	must(timer_delete((timer_t)item->a), "timer_delete");
	book("timer/posix", -1);
}

static noinline int make_child_signalfd(struct item *ret)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return keep(ret, signalfd(-1, &set, SFD_CLOEXEC), "fd/signalfd");
}
GIVE(signalfd, "fd/signalfd")

static noinline int make_client_epoll(struct item *ret)
{
	return keep(ret, epoll_create1(EPOLL_CLOEXEC), "fd/epoll");
}
GIVE(epoll, "fd/epoll")

static noinline int make_config_inotify(struct item *ret)
{
	return keep(ret, inotify_init1(IN_CLOEXEC), "fd/inotify");
}
GIVE(inotify, "fd/inotify")

/* One instance, a watch a file: a kernel counts watches by inode. */
static int watcher = -1;

static int prepare_watch(void)
{
	watcher = inotify_init1(IN_CLOEXEC);
	if (watcher < 0)
		return -errno;
	book("fd/inotify", 1);
	return 0;
}

static noinline int watch_user_file(struct item *ret)
{
	static unsigned int serial;
	char name[32];
	int wd;

	snprintf(name, sizeof(name), "user-%u", serial++);
	must(close(must(open(name, O_CREAT | O_WRONLY, 0600), name)), "close");
	wd = inotify_add_watch(watcher, name, IN_MODIFY);
	if (wd < 0)
		return -errno;
	ret->a = wd;
	book("watch", 1);
	return 0;
}

static void give_watch(const struct item *item)
{
	must(inotify_rm_watch(watcher, item->a), "inotify_rm_watch");
	book("watch", -1);
}

static noinline int open_spool_file(struct item *ret)
{
	static const char page[4096];
	char name[] = "spool-XXXXXX";
	int r = keep(ret, mkostemp(name, O_CLOEXEC), "fd/file");

	if (r < 0)
		return r;
	must(unlink(name), name);
	ret->b = (1 + random_below(4)) * sizeof(page);
	for (int n = ret->b / sizeof(page); n; n--)
		must(write(ret->a, page, sizeof(page)), name);
	book("deleted", ret->b);
	return 0;
}

static void give_deleted(const struct item *item)
{
	drop(item, "fd/file");
	book("deleted", -item->b);
}

static noinline int open_worker_pidfd(struct item *ret)
{
	return keep(ret, syscall(SYS_pidfd_open, getpid(), 0), "fd/pidfd");
}
GIVE(pidfd, "fd/pidfd")

static noinline int setup_request_ring(struct item *ret)
{
	struct io_uring_params params = { 0 };

	return keep(ret, syscall(SYS_io_uring_setup, 1, &params), "fd/io_uring");
}
GIVE(io_uring, "fd/io_uring")

static int prepare_io_uring(void)
{
	struct item item;
	int r = setup_request_ring(&item);

	if (r == 0)
		give_io_uring(&item);
	return r;
}

/* A kind without a name of its own. */
static noinline int open_clock_counter(struct item *ret)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.disabled = 1,
	};

	return keep(ret, syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC),
		    "fd/other");
}
GIVE(other, "fd/other")

static int prepare_other(void)
{
	struct item item;
	int r = open_clock_counter(&item);

	if (r == 0)
		give_other(&item);
	return r;
}

static const struct leak leaks[] = {
	{ "file", "open_session_file", open_session_file, give_file, NULL, 400, 40 },
	{ "pipe", "open_request_pipe", open_request_pipe, give_pipe, NULL, 200, 20 },
	{ "eventfd", "make_wakeup_eventfd", make_wakeup_eventfd, give_eventfd, NULL, 400, 40 },
	{ "timerfd", "arm_session_timerfd", arm_session_timerfd, give_timerfd, NULL, 400, 40 },
	{ "posix_timer", "arm_request_timeout", arm_request_timeout, give_posix_timer, NULL, 400,
	  40 },
	{ "signalfd", "make_child_signalfd", make_child_signalfd, give_signalfd, NULL, 400, 40 },
	{ "epoll", "make_client_epoll", make_client_epoll, give_epoll, NULL, 400, 40 },
	{ "inotify", "make_config_inotify", make_config_inotify, give_inotify, NULL, 40, 8 },
	{ "watch", "watch_user_file", watch_user_file, give_watch, prepare_watch, 400, 40 },
	{ "deleted", "open_spool_file", open_spool_file, give_deleted, NULL, 200, 20 },
	{ "pidfd", "open_worker_pidfd", open_worker_pidfd, give_pidfd, NULL, 400, 40 },
	{ "io_uring", "setup_request_ring", setup_request_ring, give_io_uring, prepare_io_uring, 40,
	  8 },
	{ "other", "open_clock_counter", open_clock_counter, give_other, prepare_other, 100, 10 },
	{ 0 },
};

int main(int argc, char **argv)
{
	return leak_main(argc, argv, leaks);
}
