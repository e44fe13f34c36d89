// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/escape.h"
#include "agent/probe/heap_functions.h"
#include "agent/sites/reader.h"

#define LIBRARIES_MAX 1024

struct row {
	const char *name;
	struct heap_function what;
};

/* Numbers are arguments: see struct heap_function. */
#define GIVES(...)                                                                                 \
	{                                                                                          \
		.op = HEAP_ALLOC, __VA_ARGS__                                                      \
	}
#define TAKES                                                                                      \
	{                                                                                          \
		.op = HEAP_FREE, .old_arg = 1                                                      \
	}

static const struct row allocator_rows[] = {
	{ "malloc", GIVES(.size_arg = 1) },
	{ "free", TAKES },
	{ "calloc", GIVES(.size_arg = 2, .count_arg = 1) },
	{ "realloc", GIVES(.size_arg = 2, .old_arg = 1) },
	{ "reallocarray", GIVES(.size_arg = 3, .count_arg = 2, .old_arg = 1) },
	{ "posix_memalign", GIVES(.size_arg = 3, .result_arg = 1) },
	{ "aligned_alloc", GIVES(.size_arg = 2) },
	{ "memalign", GIVES(.size_arg = 2) },
	{ "valloc", GIVES(.size_arg = 1) },
	{ "pvalloc", GIVES(.size_arg = 1) },
};

/* Allocators that replace the C library's also serve C++ and their own interface directly. */
static const struct row replacement_rows[] = {
	{ "_Znwm", GIVES(.size_arg = 1) },
	{ "_Znam", GIVES(.size_arg = 1) },
	{ "_ZnwmRKSt9nothrow_t", GIVES(.size_arg = 1) },
	{ "_ZnamRKSt9nothrow_t", GIVES(.size_arg = 1) },
	{ "_ZnwmSt11align_val_t", GIVES(.size_arg = 1) },
	{ "_ZnamSt11align_val_t", GIVES(.size_arg = 1) },
	{ "_ZdlPv", TAKES },
	{ "_ZdaPv", TAKES },
	{ "_ZdlPvm", TAKES },
	{ "_ZdaPvm", TAKES },
	{ "_ZdlPvSt11align_val_t", TAKES },
	{ "_ZdaPvSt11align_val_t", TAKES },
	{ "_ZdlPvmSt11align_val_t", TAKES },
	{ "_ZdaPvmSt11align_val_t", TAKES },
	{ "mallocx", GIVES(.size_arg = 1) },
	{ "rallocx", GIVES(.size_arg = 2, .old_arg = 1) },
	{ "dallocx", TAKES },
	{ "sdallocx", TAKES },
};

static const struct row mapping_rows[] = {
	{ "mmap", { .op = HEAP_MAP, .size_arg = 2 } },
	{ "munmap", { .op = HEAP_UNMAP, .old_arg = 1, .old_size_arg = 2 } },
	{ "mremap", { .op = HEAP_REMAP, .old_arg = 1, .old_size_arg = 2, .size_arg = 3 } },
};

/* An executable mapping of a file. */
struct module {
	uint64_t start, end, offset;
	size_t rank;
	char path[512];
};

struct modules {
	struct module *rows; /* as the dynamic linker looks names up */
	size_t n;
};

static void modules_clear(struct modules *m)
{
	free(m->rows);
}

static int modules_add(struct modules *m, const struct module *module)
{
	struct module *rows = reallocarray(m->rows, m->n + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	m->rows = rows;
	m->rows[m->n++] = *module;
	return 0;
}

/* True for an executable mapping of a file. The loader has a malloc for its own use. */
static bool parse_mapping(const char *line, struct module *ret)
{
	char flags[8];

	if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %511[^\n]", &ret->start, &ret->end, flags,
		   &ret->offset, ret->path) != 5)
		return false;
	return flags[2] == 'x' && ret->path[0] == '/' && !strstr(ret->path, "/ld-linux");
}

static int modules_read(struct reader *reader, pid_t pid, struct modules *ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	struct module module = { 0 };
	char line[1024];
	int fd, r = reader_open(reader, pid, READER_MAPS, &fd);

	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	f = fdopen(fd, "re");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && fgets(line, sizeof(line), f))
		if (parse_mapping(line, &module))
			r = modules_add(ret, &module);
	return r;
}

/* The place in the order of the module that is loaded at the highest address up to this one. */
static size_t rank_of(uint64_t address, const uint64_t *bases, size_t n)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++)
		if (bases[i] <= address && (best == n || bases[i] > bases[best]))
			best = i;
	return best;
}

static int by_rank(const void *a, const void *b)
{
	const struct module *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* As the dynamic linker looks names up. What has no linker is one file, or nearly so: by address.
 */
static int modules_order(struct modules *m, struct reader *reader, pid_t pid)
{
	uint64_t bases[LIBRARIES_MAX];
	size_t n = 0;
	int r = reader_load_order(reader, pid, bases, LIBRARIES_MAX, &n);

	if (r < 0 && r != -ENODATA)
		return r;
	for (size_t i = 0; i < m->n; i++)
		m->rows[i].rank = rank_of(m->rows[i].start, bases, n);
	if (m->n > 1)
		qsort(m->rows, m->n, sizeof(*m->rows), by_rank);
	return 0;
}

struct search {
	struct reader *reader;
	pid_t pid;
	struct modules modules;
	struct heap_places *places;
};

/* Names that share an offset are one function. */
static bool is_known(const struct heap_places *places, const struct heap_place *place)
{
	for (size_t i = 0; i < places->n; i++)
		if (places->rows[i].address == place->address)
			return true;
	return false;
}

/* 0, or -ENOENT when the module has no such function. */
static int add_function(const struct search *s, const struct module *m, const struct row *row)
{
	struct heap_place place = { .what = row->what };
	_cleanup_close_ int fd = -1;
	struct reader_place found;
	int r;

	r = reader_find_probe(s->reader, s->pid, m->path, row->name, &found, &fd);
	if (r < 0)
		return r;
	place.offset = found.offset + found.pass;
	place.stepped = !found.cheap;
	if (place.offset < m->offset || place.offset - m->offset >= m->end - m->start)
		return -ENOENT; /* of another mapping of that file */
	place.address = m->start + place.offset - m->offset;
	if (is_known(s->places, &place))
		return 0;
	if (s->places->n == HEAP_PROBES)
		return -E2BIG;
	place.fd = TAKE_FD(fd);
	s->places->rows[s->places->n++] = place;
	return 0;
}

/* What the module has of the rows; what it has not is no error. */
static int add_rows(const struct search *s, const struct module *m, const struct row *rows,
		    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = add_function(s, m, &rows[i]);

		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

static int add_anywhere(const struct search *s, const struct row *row)
{
	int r = -ENOENT;

	for (size_t i = 0; i < s->modules.n && r == -ENOENT; i++)
		r = add_function(s, &s->modules.rows[i], row);
	return r;
}

static int find_custom(const struct search *s, const char *alloc_function,
		       const char *free_function)
{
	const struct row gives = { alloc_function, GIVES(.size_arg = 1) };
	const struct row takes = { free_function, TAKES };
	int r;

	r = add_anywhere(s, &gives);
	if (r == 0)
		r = add_anywhere(s, &takes);
	return r;
}

static bool is_libc(const struct module *m)
{
	return strstr(m->path, "/libc.so.") || strstr(m->path, "/ld-musl-");
}

/* The first module with malloc and free is the allocator. */
static int find_allocator(const struct search *s)
{
	for (size_t i = 0; i < s->modules.n; i++) {
		const struct module *m = &s->modules.rows[i];
		int r = add_rows(s, m, allocator_rows, 2);

		if (r == 0 && s->places->n == 2) {
			s->places->allocator = escape_strdup(m->path);
			r = add_rows(s, m, allocator_rows + 2, ARRAY_SIZE(allocator_rows) - 2);
			if (r == 0 && !is_libc(m))
				r = add_rows(s, m, replacement_rows, ARRAY_SIZE(replacement_rows));
			return r;
		}
		heap_places_clear(s->places);
		if (r < 0)
			return r;
	}
	return -ENOENT;
}

/* The first module that has them: the C library, or an executable that holds one. */
static int find_mappings(const struct search *s)
{
	size_t before = s->places->n;
	int r = 0;

	for (size_t i = 0; i < s->modules.n && r == 0 && s->places->n == before; i++)
		r = add_rows(s, &s->modules.rows[i], mapping_rows, ARRAY_SIZE(mapping_rows));
	return r;
}

int heap_places_find(struct reader *reader, pid_t pid, const char *alloc_function,
		     const char *free_function, struct heap_places *ret)
{
	_cleanup_(modules_clear) struct modules modules = { 0 };
	struct heap_places places = { 0 };
	struct search s = { .reader = reader, .pid = pid, .places = &places };
	int r;

	r = modules_read(reader, pid, &modules);
	if (r == 0)
		r = modules_order(&modules, reader, pid);
	s.modules = modules;
	if (r == 0 && alloc_function)
		r = find_custom(&s, alloc_function, free_function);
	else if (r == 0)
		r = find_allocator(&s);
	if (r == 0 && !alloc_function)
		r = find_mappings(&s);
	if (r < 0) {
		heap_places_clear(&places);
		return r;
	}
	*ret = places;
	return 0;
}

void heap_places_clear(struct heap_places *places)
{
	for (size_t i = 0; i < places->n; i++)
		close(places->rows[i].fd);
	free(places->allocator);
	*places = (struct heap_places){ 0 };
}
