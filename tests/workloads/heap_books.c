// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes memory in every way that the C library knows, from several threads that hand blocks to each
 * other, and keeps books of what lives by the function that took it. At a barrier it prints them as
 * one JSON line and goes on at a line on stdin. What it took before the first barrier is in no
 * book.
 *
 *     heap_books [SEED [OPERATIONS [THREADS]]]
 */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "tests/workloads/books.h"

#define POOL	    400
#define SHARED	    64
#define THREADS_MAX 16
#define OLD_BLOCKS  100

#define SITES(X)                                                                                   \
	X(take_malloc)                                                                             \
	X(take_calloc)                                                                             \
	X(take_realloc)                                                                            \
	X(take_reallocarray)                                                                       \
	X(take_posix_memalign)                                                                     \
	X(take_aligned_alloc)                                                                      \
	X(take_memalign)                                                                           \
	X(take_valloc)                                                                             \
	X(take_large)                                                                              \
	X(take_string)                                                                             \
	X(take_new)                                                                                \
	X(take_mapping)                                                                            \
	X(grow)

enum site {
#define X(name) SITE_##name,
	SITES(X)
#undef X
		SITE_MAX,
	SITE_OLD = SITE_MAX
};

struct block {
	void *at;
	size_t size;
	enum site site;
};

static struct {
	atomic_long live, bytes;
} sites[SITE_MAX + 1];

static struct block shared_blocks[SHARED];
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t start, end;
static long operations = 20000;
static uint64_t first_seed = 1;
static void *(*operator_new)(size_t);
static void (*operator_delete)(void *);

static inline uint64_t draw(uint64_t *state, uint64_t n)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % n;
}

static void note(enum site site, long live, long bytes)
{
	atomic_fetch_add(&sites[site].live, live);
	atomic_fetch_add(&sites[site].bytes, bytes);
}

/* Also keeps the compiler from calling the allocator as its last act. */
static noinline void *check(void *block, size_t size)
{
	if (!block || block == MAP_FAILED)
		die("an allocation");
	memset(block, 0x5a, size < 64 ? size : 64);
	return block;
}

static noinline void *take_malloc(size_t size)
{
	return check(malloc(size), size);
}

static noinline void *take_calloc(size_t size)
{
	return check(calloc(3, size / 3), size / 3 * 3);
}

static noinline void *take_realloc(size_t size)
{
	return check(realloc(NULL, size), size);
}

static noinline void *take_reallocarray(size_t size)
{
	return check(reallocarray(NULL, 2, size / 2), size / 2 * 2);
}

static noinline void *take_posix_memalign(size_t size)
{
	void *block = NULL;

	if (posix_memalign(&block, 128, size) != 0)
		die("posix_memalign");
	return check(block, size);
}

static noinline void *take_aligned_alloc(size_t size)
{
	return check(aligned_alloc(64, size), size);
}

static noinline void *take_memalign(size_t size)
{
	return check(memalign(256, size), size);
}

static noinline void *take_valloc(size_t size)
{
	return check(valloc(size), size);
}

static noinline void *take_large(size_t size)
{
	return check(malloc(300000 + size), size);
}

static noinline void *take_string(size_t size __attribute__((unused)))
{
	static const char text[] = "what the C library allocates for its caller";

	return check(strdup(text), 8);
}

static noinline void *take_new(size_t size)
{
	return check(operator_new(size), size);
}

static noinline void *take_mapping(size_t size)
{
	return check(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		     size);
}

static noinline void *grow(void *block, size_t size)
{
	return check(realloc(block, size), size);
}

/* What is in the books for a block that was asked for with this size. */
static size_t booked_size(enum site site, size_t size)
{
	switch (site) {
	case SITE_take_calloc:
		return size / 3 * 3;
	case SITE_take_reallocarray:
		return size / 2 * 2;
	case SITE_take_large:
		return 300000 + size;
	case SITE_take_string:
		return sizeof("what the C library allocates for its caller");
	case SITE_take_mapping:
		return (size + 4095) & ~4095UL;
	default:
		return size;
	}
}

static void take(struct block *b, uint64_t *seed)
{
	static void *(*const ways[])(size_t) = {
		take_malloc,	     take_calloc,	 take_realloc,	take_reallocarray,
		take_posix_memalign, take_aligned_alloc, take_memalign, take_valloc,
		take_large,	     take_string,	 take_new,	take_mapping,
	};
	size_t size = 16 + draw(seed, 2000);

	b->site = (enum site)draw(seed, operator_new ? 12 : 10);
	b->at = ways[b->site](size);
	b->size = booked_size(b->site, size);
	note(b->site, 1, (long)b->size);
}

/* realloc to nothing frees as well. */
static void give(struct block *b, uint64_t *seed)
{
	if (b->site == SITE_take_mapping)
		munmap(b->at, b->size);
	else if (b->site == SITE_take_new)
		operator_delete(b->at);
	else if (draw(seed, 8) == 0)
		check(realloc(b->at, 0) ? NULL : &b->at, 0);
	else
		free(b->at);
	note(b->site, -1, -(long)b->size);
	b->at = NULL;
}

static void grow_one(struct block *b, uint64_t *seed)
{
	volatile size_t too_much = PTRDIFF_MAX;
	size_t size = draw(seed, 16) ? 16 + draw(seed, 4000) : 200000 + draw(seed, 400000);

	if (b->site == SITE_take_mapping || b->site == SITE_take_new)
		return;
	if (realloc(b->at, too_much) || malloc(too_much)) /* refused: nothing changes */
		die("a refusal");
	b->at = grow(b->at, size);
	note(b->site, -1, -(long)b->size);
	b->site = SITE_grow;
	b->size = size;
	note(SITE_grow, 1, (long)size);
}

static void swap_shared(struct block *b, uint64_t *seed)
{
	struct block *other = &shared_blocks[draw(seed, SHARED)], mine = *b;

	pthread_mutex_lock(&shared_lock);
	*b = *other;
	*other = mine;
	pthread_mutex_unlock(&shared_lock);
}

static void operate(struct block *b, uint64_t *seed)
{
	if (draw(seed, 8) == 0)
		swap_shared(b, seed);
	else if (!b->at)
		take(b, seed);
	else if (draw(seed, 4) == 0)
		grow_one(b, seed);
	else
		give(b, seed);
}

static void *work(void *number)
{
	uint64_t seed = first_seed * 1000003 + (uintptr_t)number * 7919 + 1;
	struct block pool[POOL] = { 0 };

	for (int i = 0; i < OLD_BLOCKS; i++)
		pool[i] = (struct block){ take_malloc(100), 100, SITE_OLD };
	for (;;) {
		pthread_barrier_wait(&end);
		pthread_barrier_wait(&start);
		for (long i = 0; i < operations; i++)
			operate(&pool[draw(&seed, POOL)], &seed);
	}
	return NULL;
}

static void print_sites(int barrier)
{
	static const char *const names[] = {
#define X(name) #name,
		SITES(X)
#undef X
	};
	char line[4096];
	size_t n = snprintf(line, sizeof(line), "{\"barrier\":%d,\"pid\":%d,\"sites\":{", barrier,
			    getpid());

	for (int i = 0; i < SITE_MAX; i++)
		n += snprintf(line + n, sizeof(line) - n, "%s\"%s\":[%ld,%ld]", i ? "," : "",
			      names[i], atomic_load(&sites[i].live), atomic_load(&sites[i].bytes));
	n += snprintf(line + n, sizeof(line) - n, "}}\n");
	must(write(1, line, n), "write");
}

static void find_operators(void)
{
	void *library = dlopen("libstdc++.so.6", RTLD_NOW);

	if (!library)
		return;
	operator_delete = (void (*)(void *))dlsym(library, "_ZdlPv");
	operator_new = (void *(*)(size_t))dlsym(library, "_Znwm");
}

int main(int argc, char **argv)
{
	long threads = argc > 3 ? atol(argv[3]) : 4;
	pthread_t thread;

	first_seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	operations = argc > 2 ? atol(argv[2]) : operations;
	prctl(PR_SET_PDEATHSIG, 9);
	find_operators();
	pthread_barrier_init(&start, NULL, threads + 1);
	pthread_barrier_init(&end, NULL, threads + 1);
	for (long i = 0; i < threads && i < THREADS_MAX; i++)
		must(-pthread_create(&thread, NULL, work, (void *)i), "pthread_create");
	for (int barrier = 0;; barrier++) {
		pthread_barrier_wait(&end);
		print_sites(barrier);
		if (!barrier_wait())
			return 0;
		pthread_barrier_wait(&start);
	}
}
