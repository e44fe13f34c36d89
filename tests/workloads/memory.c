// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaks memory: malloc'd, mapped anonymously, shared, from files; and mappings without memory.
 * Resident sizes are booked on top of what the program had at its start. The key "heap" is bytes
 * that malloc handed out, "heap_blocks" how often.
 */
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>

#include "tests/workloads/books.h"

#define BLOCK (192 << 10) /* above the threshold from which malloc maps a block of its own */

/* The number after a word in /proc/self/status, in bytes. */
static int64_t status_bytes(const char *word)
{
	char text[8192];
	int fd = must(open("/proc/self/status", O_RDONLY), "status");
	ssize_t n = must(read(fd, text, sizeof(text) - 1), "status");
	char *at;

	close(fd);
	text[n] = 0;
	at = strstr(text, word);
	return at ? atoll(at + strlen(word)) << 10 : 0;
}

/* Mappings as mm->map_count has them: [vsyscall] is shown to all and belongs to none. */
static int64_t count_mappings(void)
{
	static char text[1 << 16];
	int fd = must(open("/proc/self/maps", O_RDONLY), "maps");
	ssize_t n;
	int64_t lines = 0, in_file = 0;

	while ((n = must(read(fd, text, sizeof(text) - 1), "maps")) > 0) {
		text[n] = 0;
		in_file += strstr(text, "[vsyscall]") != NULL;
		for (char *at = text; (at = strchr(at, '\n')); at++)
			lines++;
	}
	close(fd);
	return lines - in_file;
}

static int prepare_mapping(void)
{
	book("mapping", count_mappings());
	return 0;
}

static noinline int cache_response(struct item *ret)
{
	size_t size = BLOCK + random_below(BLOCK);
	char *block = malloc(size);

	if (!block)
		return -ENOMEM;
	memset(block, 1, size);
	ret->a = (intptr_t)block;
	ret->b = malloc_usable_size(block) + 16; /* whole pages less malloc's own header */
	book("memory/anon", ret->b);
	return 0;
}

static void give_block(const struct item *item)
{
	book("memory/anon", -item->b);
	free((void *)item->a);
}

static noinline int remember_session(struct item *ret)
{
	size_t size = 16 + random_below(2000);
	char *block = malloc(size);

	if (!block)
		return -ENOMEM;
	memset(block, 1, size);
	ret->a = (intptr_t)block;
	ret->b = size;
	book("heap", size);
	book("heap_blocks", 1);
	return 0;
}

static void give_session(const struct item *item)
{
	free((void *)item->a);
	book("heap", -item->b);
	book("heap_blocks", -1);
}

/* Maps and touches whole pages; fd -1 is anonymous memory. */
static int map_pages(struct item *ret, int flags, int fd, const char *key)
{
	size_t size = (16 + random_below(64)) << 12;
	volatile char *pages;

	if (fd >= 0 && ftruncate(fd, size) < 0)
		return -errno;
	pages = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (pages == MAP_FAILED)
		return -errno;
	for (size_t at = 0; at < size; at += 4096)
		pages[at] = 1;
	ret->a = (intptr_t)pages;
	ret->b = size;
	book(key, size);
	return 0;
}

static noinline int map_arena(struct item *ret)
{
	return map_pages(ret, MAP_PRIVATE | MAP_ANONYMOUS, -1, "memory/anon");
}

static void give_arena(const struct item *item)
{
	must(munmap((void *)item->a, item->b), "munmap");
	book("memory/anon", -item->b);
}

static noinline int map_shared_buffer(struct item *ret)
{
	return map_pages(ret, MAP_SHARED | MAP_ANONYMOUS, -1, "memory/shmem");
}

static void give_shared(const struct item *item)
{
	must(munmap((void *)item->a, item->b), "munmap");
	book("memory/shmem", -item->b);
}

static noinline int map_data_file(struct item *ret)
{
	char name[] = "data-XXXXXX";
	int fd = must(mkostemp(name, O_CLOEXEC), name), r;

	must(unlink(name), name);
	r = map_pages(ret, MAP_SHARED, fd, "memory/file");
	close(fd);
	return r;
}

static void give_data(const struct item *item)
{
	must(munmap((void *)item->a, item->b), "munmap");
	book("memory/file", -item->b);
}

/* Every path once, so that the pages of code and tables are there before the base is read. */
static void warm_up(void)
{
	static int (*const take[])(struct item *) = { cache_response, map_arena, map_shared_buffer,
						      map_data_file };
	static void (*const give[])(const struct item *) = { give_block, give_arena, give_shared,
							     give_data };
	char line[64];

	for (int i = 0; i < 16; i++) {
		struct item item;

		must(take[i % 4](&item), "warm up");
		give[i % 4](&item);
		snprintf(line, sizeof(line), "%lld", (long long)status_bytes("RssAnon:"));
	}
}

static int prepare_resident(void)
{
	mallopt(M_MMAP_THRESHOLD, 128 << 10); /* as it is at first; a free would raise it */
	warm_up();
	book("memory/anon", status_bytes("RssAnon:"));
	book("memory/file", status_bytes("RssFile:"));
	book("memory/shmem", status_bytes("RssShmem:"));
	return 0;
}

/* All map the same page of one file: neighbours do not continue each other, the kernel joins none.
 */
static noinline int map_index_page(struct item *ret)
{
	static int file = -1;
	void *page;

	if (file < 0) {
		file = must(open("index", O_CREAT | O_RDWR | O_CLOEXEC, 0600), "index");
		must(ftruncate(file, 4096), "ftruncate");
		book("fd/file", 1);
	}
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
	if (page == MAP_FAILED)
		return -errno;
	ret->a = (intptr_t)page;
	book("mapping", 1);
	return 0;
}

static void give_mapping(const struct item *item)
{
	must(munmap((void *)item->a, 4096), "munmap");
	book("mapping", -1);
}

static const struct leak leaks[] = {
	{ "malloc", "remember_session", remember_session, give_session, NULL, 4000, 400 },
	{ "malloc_large", "cache_response", cache_response, give_block, prepare_resident, 100, 10 },
	{ "anon", "map_pages", map_arena, give_arena, prepare_resident, 100, 10 },
	{ "shmem", "map_pages", map_shared_buffer, give_shared, prepare_resident, 100, 10 },
	{ "mapped_file", "map_pages", map_data_file, give_data, prepare_resident, 100, 10 },
	{ "mapping", "map_index_page", map_index_page, give_mapping, prepare_mapping, 400, 40 },
	{ 0 },
};

int main(int argc, char **argv)
{
	return leak_main(argc, argv, leaks);
}
