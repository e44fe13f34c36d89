// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that replace the answers in their caches all the time, at one place in the code, while
 * one request in a hundred is remembered for ever, at another. Every block carries its own address
 * and owner: a block that was given out twice, or written by somebody else, ends the program with
 * status 1. Each second it prints how many blocks it took, as one JSON line.
 *
 *     heap_churn [THREADS [PAUSE_US [SECONDS [LEAK_ONE_IN]]]]
 */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/workloads/books.h"

#define CACHE	1000
#define BURST	100 /* requests between two pauses */
#define SESSION 48

struct answer {
	struct answer *self;
	uint64_t owner;
	char text[];
};

static atomic_ulong taken, forgotten;
static long pause_us, leak_one_in = 100;

static noinline struct answer *cache_answer(uint64_t owner, size_t size)
{
	struct answer *a = malloc(sizeof(*a) + size);

	if (!a)
		die("malloc");
	a->self = a;
	a->owner = owner;
	return a;
}

static noinline void *remember_session(void)
{
	char *session = malloc(SESSION);

	if (!session)
		die("malloc");
	session[0] = 1;
	atomic_fetch_add(&forgotten, 1);
	return session;
}

static noinline void drop_answer(struct answer *a, uint64_t owner)
{
	if (!a)
		return;
	if (a->self != a || a->owner != owner) {
		fprintf(stderr, "a block is not what it was\n");
		_exit(1);
	}
	a->self = NULL;
	free(a);
}

static void *serve(void *number)
{
	uint64_t owner = (uintptr_t)number, state = owner * 7919 + 1;
	static __thread struct answer *cache[CACHE];

	for (unsigned long request = 1;; request++) {
		struct answer **slot;

		state = state * 6364136223846793005 + 1442695040888963407;
		slot = &cache[(state >> 33) % CACHE];
		drop_answer(*slot, owner);
		*slot = cache_answer(owner, 64 + (state >> 40) % 1000);
		atomic_fetch_add(&taken, 1);
		if (leak_one_in && request % leak_one_in == 0)
			remember_session();
		if (pause_us && request % BURST == 0)
			usleep(pause_us);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long threads = argc > 1 ? atol(argv[1]) : 2;
	long seconds = argc > 3 ? atol(argv[3]) : 60;
	pthread_t thread;
	unsigned long before = 0;

	pause_us = argc > 2 ? atol(argv[2]) : 0;
	leak_one_in = argc > 4 ? atol(argv[4]) : 100;
	prctl(PR_SET_PDEATHSIG, 9);
	for (long i = 1; i <= threads; i++)
		must(-pthread_create(&thread, NULL, serve, (void *)i), "pthread_create");
	while (seconds--) {
		char line[128];
		unsigned long now;
		int n;

		sleep(1);
		now = atomic_load(&taken);
		n = snprintf(line, sizeof(line), "{\"taken\":%lu,\"rate\":%lu,\"forgotten\":%lu}\n",
			     now, now - before, atomic_load(&forgotten));
		before = now;
		must(write(1, line, n), "write");
	}
	return 0;
}
