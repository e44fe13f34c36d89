// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/pages.h"
#include "agent/sites/maps.h"

/*
 * What is asked for at once: the kernel walks so many entries in one or two microseconds, while
 * a read of so many bytes takes fifty times as long.
 */
#define WINDOW_PAGES 32u
#define WINDOW_BYTES (WINDOW_PAGES * GO_PAGE)
#define WINDOWS	     2048u /* 256 MiB of what was seen last */
#define ADDRESS_END  0x7ffffffff000ull
#define RANGES_MAX   8192u /* mappings, like neighbours joined; pages of others pass for absent */

/* Of an entry of /proc/PID/pagemap. */
#define ENTRY_PRESENT (1ull << 63)
#define ENTRY_SWAPPED (1ull << 62)

enum { PRESENT, SWAPPED, NONE, OTHER };

struct window {
	uint64_t address;
	uint64_t scan;	  /* in which it was seen; 0: never */
	uint64_t seen_at; /* CLOCK_MONOTONIC_COARSE, nanoseconds */
	uint8_t pages[WINDOW_PAGES];
};

struct range {
	uint64_t start, end;
	bool empty; /* pages without an entry are: private memory without a file */
};

/* Of the scan that is going on. */
static struct {
	uint64_t scan;
	struct window windows[WINDOWS];
	bool mappings_asked, mappings_known;
	struct range ranges[RANGES_MAX]; /* by address */
	size_t n_ranges;
	int file; /* the program's; -1 until it is needed */
} seen = { .file = -1 };

void go_pages_begin(struct go_pages *p, const struct source *source)
{
	p->source = source;
	seen.scan++;
	seen.mappings_asked = seen.mappings_known = false;
	seen.n_ranges = 0;
	seen.file = safe_close(seen.file);
}

static uint64_t coarse_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t); /* needs no call of the kernel */
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint8_t kind_of(uint64_t entry)
{
	if (entry & ENTRY_PRESENT)
		return PRESENT;
	if (entry & ENTRY_SWAPPED)
		return SWAPPED;
	return entry ? OTHER : NONE; /* else a guard page, or what kernels to come tell */
}

static int fill_window(const struct go_pages *p, uint64_t address, struct window *w)
{
	uint64_t entries[WINDOW_PAGES];
	ssize_t n = pread(p->fd, entries, sizeof(entries),
			  (off_t)(address / GO_PAGE * sizeof(entries[0])));
	size_t have = n > 0 ? (size_t)n / sizeof(entries[0]) : 0;

	if (n <= 0)
		return n < 0 ? -EIO : -ESRCH;
	for (size_t i = 0; i < WINDOW_PAGES; i++)
		w->pages[i] = i < have ? kind_of(entries[i]) : OTHER;
	return 0;
}

static int get_window(const struct go_pages *p, uint64_t address, const struct window **ret)
{
	uint64_t start = address - address % WINDOW_BYTES, now = coarse_ns();
	struct window *w = &seen.windows[start / WINDOW_BYTES % WINDOWS];
	int r;

	*ret = w;
	if (w->scan == seen.scan && w->address == start && now - w->seen_at < GO_PAGES_FRESH)
		return 0;
	w->scan = 0;
	r = fill_window(p, start, w);
	if (r < 0)
		return r;
	w->scan = seen.scan;
	w->address = start;
	w->seen_at = now;
	return 0;
}

/* The kernel's names for memory of its own are others: [vdso], [vvar]. */
static bool is_anonymous(const struct mapping *m)
{
	return m->permissions[3] == 'p' && m->inode == 0 &&
	       (!*m->path || strncmp(m->path, "[anon:", 6) == 0 || strcmp(m->path, "[heap]") == 0 ||
		strcmp(m->path, "[stack]") == 0);
}

/* False when there is no room. */
static bool add_range(const struct mapping *m)
{
	struct range *last = seen.n_ranges ? &seen.ranges[seen.n_ranges - 1] : NULL;
	bool empty = is_anonymous(m);

	if (last && last->end == m->start && last->empty == empty)
		last->end = m->end;
	else if (seen.n_ranges < RANGES_MAX)
		seen.ranges[seen.n_ranges++] = (struct range){ m->start, m->end, empty };
	else
		return false;
	return true;
}

static void read_mappings(const struct source *source)
{
	struct wire_ask ask = { .kind = WIRE_MAPS };
	static struct maps maps;
	_cleanup_close_ int fd = -1;
	struct mapping m;

	seen.mappings_asked = true; /* once */
	if (!source || source->open(source->context, &ask, &fd) < 0)
		return;
	maps = (struct maps){ .fd = fd };
	seen.mappings_known = true;
	while (seen.mappings_known && maps_next(&maps, &m))
		seen.mappings_known = add_range(&m);
}

static int compare_range(const void *key, const void *element)
{
	const uint64_t *address = key;
	const struct range *r = element;

	return *address < r->start ? -1 : *address >= r->end;
}

/*
 * A page without an entry. In memory that has no file it reads as zeros, unless a handler of the
 * program (userfaultfd) would fill it, which nothing tells. Shared memory may be filled by others.
 * The program's own writes to its file's pages would have made them pages with an entry.
 */
static enum go_page without_entry(const struct go_pages *p, uint64_t page)
{
	const struct range *r;

	if (go_image_page(p->image, page) != GO_IMAGE_NOWHERE)
		return GO_PAGE_FILE;
	if (!seen.mappings_asked)
		read_mappings(p->source);
	r = bsearch(&page, seen.ranges, seen.n_ranges, sizeof(*r), compare_range);
	if (r)
		return r->empty ? GO_PAGE_EMPTY : GO_PAGE_ABSENT;
	return seen.mappings_known ? GO_PAGE_NOWHERE : GO_PAGE_ABSENT;
}

static enum go_page page_of(const struct go_pages *p, const struct window *w, uint64_t page)
{
	switch (w->pages[page % WINDOW_BYTES / GO_PAGE]) {
	case PRESENT:
		return GO_PAGE_PRESENT;
	case SWAPPED:
		return GO_PAGE_SWAPPED;
	case NONE:
		return without_entry(p, page);
	}
	return GO_PAGE_ABSENT;
}

int go_pages_look(struct go_pages *p, uint64_t address, size_t size, enum go_page *ret,
		  size_t *ret_size)
{
	uint64_t page = address - address % GO_PAGE;
	uint64_t end = address - address % WINDOW_BYTES + WINDOW_BYTES;
	const struct window *w;
	int r;

	*ret = GO_PAGE_NOWHERE;
	*ret_size = size;
	if (address >= ADDRESS_END || size > ADDRESS_END - address)
		return 0;
	r = get_window(p, page, &w);
	if (r < 0)
		return r;
	end = address + size < end ? address + size : end;
	*ret = page_of(p, w, page);
	do
		page += GO_PAGE;
	while (page < end && *ret != GO_PAGE_FILE && page_of(p, w, page) == *ret);
	*ret_size = (page < end ? page : end) - address;
	return 0;
}

static int open_file(const struct source *source)
{
	struct wire_ask ask = { .kind = WIRE_EXE };

	return source ? source->open(source->context, &ask, &seen.file) : -EBADF;
}

ssize_t go_pages_read_file(struct go_pages *p, uint64_t address, void *dst, size_t size)
{
	uint64_t page = address - address % GO_PAGE;
	int r = seen.file < 0 ? open_file(p->source) : 0;
	ssize_t n;

	if (r < 0)
		return r;
	n = pread(seen.file, dst, size, (off_t)(go_image_page(p->image, page) + address - page));
	return n < 0 ? -errno : n;
}
