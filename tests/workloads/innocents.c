// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks guilty and is not: a pool that fills, a bounded cache, a saw-tooth, bursts, a step, a wave.
 * NAME is SHAPE-RESOURCE, as in "sawtooth-fd"; --size is the level in objects, --period the seconds
 * that a shape takes. Books are printed at the start and after --seconds.
 */
#include <math.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "tests/workloads/books.h"

#define BLOCK (16 << 10)

static noinline int pool_open_fd(struct item *ret)
{
	ret->a = must(eventfd(0, EFD_CLOEXEC), "eventfd");
	book("fd/eventfd", 1);
	return 0;
}

static void pool_close_fd(const struct item *item)
{
	must(close(item->a), "close");
	book("fd/eventfd", -1);
}

static noinline int cache_allocate(struct item *ret)
{
	char *block = malloc(BLOCK);

	if (!block)
		return -ENOMEM;
	memset(block, 1, BLOCK);
	ret->a = (intptr_t)block;
	book("heap", BLOCK);
	return 0;
}

static void cache_free(const struct item *item)
{
	free((void *)item->a);
	book("heap", -BLOCK);
}

static void *worker_main(void *mutex)
{
	pthread_mutex_lock(mutex);
	return NULL;
}

static noinline int pool_start_thread(struct item *ret)
{
	pthread_mutex_t *stay = calloc(1, sizeof(*stay));

	pthread_mutex_init(stay, NULL);
	pthread_mutex_lock(stay);
	if (pthread_create((pthread_t *)&ret->a, NULL, worker_main, stay) != 0)
		return -EAGAIN;
	ret->b = (intptr_t)stay;
	book("thread", 1);
	return 0;
}

static void pool_end_thread(const struct item *item)
{
	pthread_mutex_unlock((pthread_mutex_t *)item->b);
	pthread_join((pthread_t)item->a, NULL);
	free((void *)item->b);
	book("thread", -1);
}

static const struct leak resources[] = {
	{ "fd", "pool_open_fd", pool_open_fd, pool_close_fd, NULL, BOOKS_ITEMS, 1 },
	{ "heap", "cache_allocate", cache_allocate, cache_free, NULL, BOOKS_ITEMS, 1 },
	{ "thread", "pool_start_thread", pool_start_thread, pool_end_thread, NULL, BOOKS_ITEMS, 1 },
	{ 0 },
};

/* Shapes: the share of the level that is held at time t, both in periods. */

static double shape_pool(double t)
{
	return fmin(t, 1);
}

static double shape_warmup(double t)
{
	return 1 - exp(-3 * t);
}

static double shape_sawtooth(double t)
{
	return t - floor(t);
}

static double shape_burst(double t)
{
	return t - floor(t) > 0.8 ? 1 : 0;
}

static double shape_step(double t)
{
	return t < 1 ? 0.5 : 1;
}

static double shape_wave(double t)
{
	return 0.5 - 0.5 * cos(2 * M_PI * t);
}

static const struct shape {
	const char *name;
	double (*level)(double t);
	bool replaces; /* an old object goes for a new one at each step, as in a cache */
} shapes[] = {
	{ "pool", shape_pool, false },	   { "cache", shape_pool, true },
	{ "warmup", shape_warmup, false }, { "sawtooth", shape_sawtooth, false },
	{ "burst", shape_burst, false },   { "step", shape_step, false },
	{ "wave", shape_wave, false },	   { 0 },
};

static const struct shape *shape_find(const char *name)
{
	for (const struct shape *shape = shapes; shape->name; shape++)
		if (!strncmp(name, shape->name, strlen(shape->name)) &&
		    name[strlen(shape->name)] == '-')
			return shape;
	fprintf(stderr, "no shape in %s\n", name);
	exit(2);
}

static void play_shape(const struct shape *shape, const struct leak *leak, struct play play)
{
	double start = clock_seconds(), elapsed;

	while ((elapsed = clock_seconds() - start) < play.seconds) {
		unsigned int level = shape->level(elapsed / play.period) * play.size;

		if (shape->replaces && held.n)
			give_one(leak);
		while (held.n < level && take_one(leak))
			;
		while (held.n > level)
			give_one(leak);
		usleep(10000);
	}
}

int main(int argc, char **argv)
{
	struct play play = play_parse(argc, argv);
	const struct shape *shape = shape_find(play.name);
	const struct leak *leak = leak_find(resources, play.name + strlen(shape->name) + 1);

	prctl(PR_SET_PDEATHSIG, 9);
	books_open();
	books_print(0, leak->site);
	play_shape(shape, leak, play);
	books_print(1, leak->site);
	barrier_wait();
	return 0;
}
