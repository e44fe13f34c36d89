/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every workload shares. A workload takes a resource at a named place in its code, gives some
 * of it back, and keeps books: how much of each resource it holds, by the words of
 * agent/model/resource.h. It stops at barriers, prints its books as one JSON line, and goes on when
 * a line comes on stdin; at the end of stdin it exits. Everything is drawn from --seed.
 *
 * With --leak RATE it does not stop: it takes RATE a second and keeps them, beside --churn RATE a
 * second that it gives back at once; it prints its books before and after.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define noinline     __attribute__((noinline))
#define BOOKS_KEYS   32
#define BOOKS_ITEMS  4096
#define NO_SUCH_HERE 77 /* exit status: this host has no such resource */

/* One thing that is held: a descriptor, an address and a size, a thread. */
struct item {
	intptr_t a, b;
};

/* One way to leak. take() returns 0 or a negative errno and books what it took; so does give(). */
struct leak {
	const char *name;
	const char *site; /* the function that takes, as seep explain has to name it */
	int (*take)(struct item *ret);
	void (*give)(const struct item *item);
	int (*prepare)(void);	/* once, before; may be NULL */
	unsigned int cap, step; /* most that is held, and most that is taken in one round */
};

static struct {
	const char *key;
	int64_t value;
} books[BOOKS_KEYS];

static inline void book(const char *key, int64_t change)
{
	int i = 0;

	while (i < BOOKS_KEYS - 1 && books[i].key && strcmp(books[i].key, key))
		i++;
	books[i].key = key;
	books[i].value += change;
}

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

/* For what must not fail in a workload that counts. */
static inline long must(long result, const char *what)
{
	if (result < 0)
		die(what);
	return result;
}

/* SplitMix64, Steele, Lea and Flood 2014: small, and the same everywhere. */
static uint64_t books_seed;

static inline uint64_t random_below(uint64_t n)
{
	uint64_t z = (books_seed += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (z ^ (z >> 31)) % n;
}

static inline void books_print(int barrier, const char *site)
{
	char line[4096];
	size_t n = snprintf(line, sizeof(line),
			    "{\"barrier\":%d,\"pid\":%d,\"site\":\"%s\",\"books\":{", barrier,
			    getpid(), site);

	for (int i = 0; i < BOOKS_KEYS && books[i].key; i++)
		n += snprintf(line + n, sizeof(line) - n, "%s\"%s\":%lld", i ? "," : "",
			      books[i].key, (long long)books[i].value);
	n += snprintf(line + n, sizeof(line) - n, "}}\n");
	must(write(1, line, n), "write");
}

/* False at the end of stdin. */
static inline bool barrier_wait(void)
{
	char c = 0;

	while (c != '\n')
		if (read(0, &c, 1) != 1)
			return false;
	return true;
}

/* The three descriptors that a program is born with, for that many tables. */
static inline void books_standard(int tables)
{
	struct stat st;

	for (int fd = 0; fd < 3; fd++) {
		must(fstat(fd, &st), "fstat");
		book(S_ISFIFO(st.st_mode)   ? "fd/pipe"
		     : S_ISSOCK(st.st_mode) ? "fd/socket"
					    : "fd/file",
		     tables);
	}
}

/* What a program has at its start. */
static inline void books_start(void)
{
	books_standard(1);
	book("thread", 1);
}

/* The same, and nothing that was inherited beside. */
static inline void books_open(void)
{
	must(syscall(SYS_close_range, 3, ~0U, 0), "close_range");
	books_start();
}

/* pthread_join returns when a thread has left user space, a little before its task is gone. */
static inline void task_wait_gone(pid_t tid)
{
	char task[64];

	snprintf(task, sizeof(task), "/proc/self/task/%d", tid);
	while (access(task, F_OK) == 0)
		usleep(100);
}

struct held {
	struct item items[BOOKS_ITEMS];
	unsigned int n;
};

static struct held held;

static inline bool take_one(const struct leak *leak)
{
	int r;

	if (held.n == leak->cap || held.n == BOOKS_ITEMS)
		return false;
	r = leak->take(&held.items[held.n]);
	if (r < 0) {
		errno = -r;
		die(leak->name);
	}
	held.n++;
	return true;
}

/* Any of what is held, not the youngest: order must not matter. */
static inline void give_one(const struct leak *leak)
{
	unsigned int i = random_below(held.n);
	struct item item = held.items[i];

	held.items[i] = held.items[--held.n];
	leak->give(&item);
}

/* One round: some taken, fewer given back, so that it climbs; at the cap most go. */
static inline void play_round(const struct leak *leak)
{
	unsigned int take = 1 + random_below(leak->step), give;

	while (take-- && take_one(leak))
		;
	give = random_below(held.n == leak->cap ? held.n + 1 : leak->step / 2 + 1);
	while (give-- && held.n)
		give_one(leak);
}

static inline void play_barriers(const struct leak *leak)
{
	for (int barrier = 0;; barrier++) {
		books_print(barrier, leak->site);
		if (!barrier_wait())
			return;
		for (unsigned int rounds = 1 + random_below(3); rounds; rounds--)
			play_round(leak);
	}
}

/* Request after request, of which the healthy ones give back what they took. */
static noinline void serve_and_return(const struct leak *leak)
{
	struct item item;

	if (leak->take(&item) < 0)
		die("take");
	leak->give(&item);
}

static noinline void serve_and_forget(const struct leak *leak)
{
	if (held.n < BOOKS_ITEMS && leak->take(&held.items[held.n]) < 0)
		die("take");
	if (held.n < BOOKS_ITEMS)
		held.n++;
}

static inline double clock_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* RATE events a second: how many are due by now. */
static inline unsigned int due(double elapsed, double rate, uint64_t *done)
{
	uint64_t until = elapsed * rate, n = until - *done;

	*done = until;
	return n;
}

static inline void play_leak(const struct leak *leak, double rate, double churn, double seconds)
{
	uint64_t leaked = 0, churned = 0;
	double start = clock_seconds(), elapsed;

	books_print(0, leak->site);
	while ((elapsed = clock_seconds() - start) < seconds) {
		for (unsigned int n = due(elapsed, churn, &churned); n; n--)
			serve_and_return(leak);
		for (unsigned int n = due(elapsed, rate, &leaked); n; n--)
			serve_and_forget(leak);
		usleep(rate + churn > 500 ? 1000 : 10000);
	}
	books_print(1, leak->site);
	barrier_wait();
}

struct play {
	const char *name;
	double leak, churn, seconds;
	double size, period; /* of the innocents */
};

static inline void play_usage(const char *program)
{
	fprintf(stderr,
		"usage: %s NAME [--seed N] [--leak RATE] [--churn RATE] [--seconds S] [--size N] "
		"[--period S]\n",
		program);
	exit(2);
}

static inline struct play play_parse(int argc, char **argv)
{
	struct play play = { .seconds = 3600, .size = 100, .period = 10 };

	if (argc < 2 || argc % 2)
		play_usage(argv[0]);
	play.name = argv[1];
	for (int i = 2; i < argc; i += 2) {
		double value = atof(argv[i + 1]);

		if (!strcmp(argv[i], "--seed"))
			books_seed = value;
		else if (!strcmp(argv[i], "--leak"))
			play.leak = value;
		else if (!strcmp(argv[i], "--churn"))
			play.churn = value;
		else if (!strcmp(argv[i], "--seconds"))
			play.seconds = value;
		else if (!strcmp(argv[i], "--size"))
			play.size = value;
		else if (!strcmp(argv[i], "--period"))
			play.period = value;
		else
			play_usage(argv[0]);
	}
	return play;
}

static inline const struct leak *leak_find(const struct leak *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	fprintf(stderr, "no leak named %s\n", name);
	exit(2);
}

/* A JSON line for each leak, for tests that want them all. */
static inline int leak_list(const struct leak *leak)
{
	for (; leak->name; leak++)
		printf("{\"name\":\"%s\",\"site\":\"%s\"}\n", leak->name, leak->site);
	return 0;
}

/* The main of a leaking workload; the table ends with a row without name. */
static inline int leak_main(int argc, char **argv, const struct leak *table)
{
	struct play play = play_parse(argc, argv);
	const struct leak *leak;
	int r;

	if (!strcmp(play.name, "list"))
		return leak_list(table);
	leak = leak_find(table, play.name);
	prctl(PR_SET_PDEATHSIG, 9);
	books_open();
	r = leak->prepare ? leak->prepare() : 0;
	if (r < 0) {
		fprintf(stderr, "no %s here: %s\n", leak->name, strerror(-r));
		return NO_SUCH_HERE;
	}
	if (play.leak > 0 || play.churn > 0)
		play_leak(leak, play.leak, play.churn, play.seconds);
	else
		play_barriers(leak);
	return 0;
}
