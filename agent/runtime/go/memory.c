// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/memory.h"

#define BLOCK_BYTES   4096u
#define BLOCKS	      512u  /* 2 MiB of code and tables */
#define DEADLINE_EACH 64    /* reads between two looks at the clock */
#define GAP_BYTES     2048u /* between neighbours that are still read together */
#define AWAY_PART     64u   /* what a count may lack */

struct block {
	uint64_t address; /* 0: empty */
	uint8_t bytes[BLOCK_BYTES];
};

struct go_blocks {
	struct block slots[BLOCKS];
};

uint64_t go_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void go_memory_begin(struct go_memory *m, const struct source *source, uint64_t cpu, uint64_t bytes)
{
	m->deadline = go_cpu_ns() + cpu;
	m->left = bytes;
	m->reads = m->bytes = 0;
	m->unread = (struct go_unread){ 0 };
	m->gone = false;
	go_pages_begin(&m->pages, source);
}

void go_memory_drop_blocks(struct go_memory *m)
{
	free(m->blocks);
	m->blocks = NULL;
}

void go_memory_free(struct go_memory *m)
{
	m->fd = safe_close(m->fd);
	m->pages.fd = safe_close(m->pages.fd);
	go_memory_drop_blocks(m);
}

/* Of pages that are there. */
static ssize_t read_present(struct go_memory *m, uint64_t address, void *dst, size_t size)
{
	ssize_t n = pread(m->fd, dst, size, (off_t)address);

	if (n < 0)
		return errno == EINTR ? -ETIME : -EFAULT;
	return n > 0 ? n : -ESRCH;
}

/* Of pages of one kind. */
static ssize_t read_kind(struct go_memory *m, enum go_page kind, uint64_t address, void *dst,
			 size_t size)
{
	ssize_t n;

	m->reads += kind == GO_PAGE_PRESENT || kind == GO_PAGE_FILE;
	switch (kind) {
	case GO_PAGE_PRESENT:
		return read_present(m, address, dst, size);
	case GO_PAGE_EMPTY:
		memset(dst, 0, size);
		return (ssize_t)size;
	case GO_PAGE_FILE:
		n = go_pages_read_file(&m->pages, address, dst, size);
		return n > 0 ? n : -ENXIO;
	case GO_PAGE_NOWHERE:
		return -EFAULT;
	case GO_PAGE_SWAPPED:
	case GO_PAGE_ABSENT:
		break;
	}
	m->swapped = kind == GO_PAGE_SWAPPED;
	return -ENXIO;
}

/* How much of the begin could be read, and *ret_end: 0 when that is all, else what ended it. */
static size_t read_some(struct go_memory *m, uint64_t address, void *dst, size_t size, int *ret_end)
{
	enum go_page kind;
	size_t done = 0, part;
	ssize_t n = 0;

	if (size > m->left || (m->looks++ % DEADLINE_EACH == 0 && go_cpu_ns() > m->deadline))
		n = -ETIME;
	while (n >= 0 && done < size) {
		n = go_pages_look(&m->pages, address + done, size - done, &kind, &part);
		if (n == 0)
			n = read_kind(m, kind, address + done, (uint8_t *)dst + done, part);
		done += n > 0 ? (size_t)n : 0;
	}
	m->gone |= n == -ESRCH;
	m->left -= done;
	m->bytes += done;
	*ret_end = n < 0 ? (int)n : 0;
	return done;
}

static void count_unread(struct go_memory *m, int end)
{
	if (end != -ENXIO)
		m->unread.failed++;
	else if (m->swapped)
		m->unread.swapped++;
	else
		m->unread.absent++;
}

int go_memory_read(struct go_memory *m, uint64_t address, void *dst, size_t size)
{
	int end;

	read_some(m, address, dst, size, &end);
	if (end < 0)
		count_unread(m, end);
	return end;
}

int go_memory_word(struct go_memory *m, uint64_t address, uint64_t *ret)
{
	return go_memory_read(m, address, ret, sizeof(*ret));
}

/* The block that an address falls into. */
static int get_block(struct go_memory *m, uint64_t address, const uint8_t **ret)
{
	uint64_t start = address - address % BLOCK_BYTES;
	struct block *b;
	int r;

	if (!m->blocks && !(m->blocks = calloc(1, sizeof(*m->blocks))))
		return -ENOMEM;
	b = &m->blocks->slots[start / BLOCK_BYTES % BLOCKS];
	if (b->address != start || start == 0) {
		b->address = 0;
		r = go_memory_read(m, start, b->bytes, BLOCK_BYTES);
		if (r < 0)
			return r;
		b->address = start;
	}
	*ret = b->bytes + address % BLOCK_BYTES;
	return 0;
}

int go_memory_fixed(struct go_memory *m, uint64_t address, void *dst, size_t size)
{
	uint8_t *at = dst;

	while (size > 0) {
		size_t room = BLOCK_BYTES - address % BLOCK_BYTES, part = size < room ? size : room;
		const uint8_t *bytes;
		int r = get_block(m, address, &bytes);

		if (r < 0)
			return r;
		memcpy(at, bytes, part);
		at += part;
		address += part;
		size -= part;
	}
	return 0;
}

int go_memory_string(struct go_memory *m, uint64_t address, char *dst, size_t size)
{
	size_t n = 0;

	dst[0] = '\0';
	while (n + 1 < size) {
		size_t room = BLOCK_BYTES - address % BLOCK_BYTES;
		size_t part = size - 1 - n < room ? size - 1 - n : room, length;
		const uint8_t *bytes;
		int r = get_block(m, address, &bytes);

		if (r < 0)
			return r;
		length = strnlen((const char *)bytes, part);
		memcpy(dst + n, bytes, length);
		n += length;
		dst[n] = '\0';
		if (length < part)
			return 0;
		address += part;
	}
	return 0;
}

void *go_scratch(enum go_scratch use, size_t size)
{
	static struct {
		void *bytes;
		size_t size;
	} buffers[GO_SCRATCH_MAX]; /* the child has one thread */

	if (size > buffers[use].size) {
		free(buffers[use].bytes);
		buffers[use].bytes = malloc(size);
		buffers[use].size = buffers[use].bytes ? size : 0;
	}
	return buffers[use].bytes;
}

#define RADIX_BITS 11
#define RADIX	   (1u << RADIX_BITS)

/* One pass: by the bits from shift up, in order of what was sorted before. */
static void sort_pass(const struct go_item *from, struct go_item *to, size_t n, unsigned int shift)
{
	size_t counts[RADIX] = { 0 }, sum = 0;

	for (size_t i = 0; i < n; i++)
		counts[from[i].address >> shift & (RADIX - 1)]++;
	for (size_t i = 0; i < RADIX; i++) {
		size_t count = counts[i];

		counts[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[counts[from[i].address >> shift & (RADIX - 1)]++] = from[i];
}

/* Only the bits in which addresses differ are worth a pass. */
static int sort_items(struct go_item *items, size_t n)
{
	struct go_item *from = items, *to;
	uint64_t differ = 0;
	bool sorted = true;

	for (size_t i = 1; i < n; i++) {
		differ |= items[i].address ^ items[0].address;
		sorted &= items[i - 1].address <= items[i].address;
	}
	if (sorted)
		return 0;
	to = go_scratch(GO_SCRATCH_SORT, n * sizeof(*to));
	if (!to)
		return -ENOMEM;
	for (unsigned int shift = 0; shift < 64; shift += RADIX_BITS) {
		struct go_item *swap = from;

		if (!(differ >> shift & (RADIX - 1)))
			continue;
		sort_pass(from, to, n, shift);
		from = to;
		to = swap;
	}
	if (from != items)
		memcpy(items, from, n * sizeof(*items));
	return 0;
}

/* How many of them lie near enough to the first to be read with it. */
static size_t count_near(const struct go_item *items, size_t n, size_t size)
{
	uint64_t first = items[0].address;
	size_t k = 1;

	while (k < n && items[k].address - items[k - 1].address <= size + GAP_BYTES &&
	       items[k].address - first + size <= GO_READ_BYTES)
		k++;
	return k;
}

/* Read some neighbours together; how many have been dealt with: after the first that is not there
 * the others are looked at anew. *ret_end as of read_some. */
static size_t gather_near(struct go_memory *m, const struct go_item *items, size_t n, size_t size,
			  go_take take, void *context, int *ret_end)
{
	uint8_t bytes[GO_READ_BYTES];
	uint64_t first = items[0].address;
	size_t have = read_some(m, first, bytes, items[n - 1].address - first + size, ret_end);

	for (size_t i = 0; i < n; i++) {
		if (items[i].address - first + size > have) {
			count_unread(m, *ret_end);
			return i + 1;
		}
		take(context, &items[i], bytes + (items[i].address - first));
	}
	return n;
}

int go_gather(struct go_memory *m, struct go_item *items, size_t n, size_t size, go_take take,
	      void *context)
{
	int r = size <= GO_READ_BYTES ? sort_items(items, n) : -EINVAL;

	for (size_t i = 0; r == 0 && i < n;) {
		size_t near = count_near(items + i, n - i, size);

		i += gather_near(m, items + i, near, size, take, context, &r);
		if (r != -ETIME && r != -ESRCH)
			r = 0;
	}
	return r;
}

int go_gather_most(struct go_memory *m, struct go_item *items, size_t n, size_t size, go_take take,
		   void *context, uint64_t *ret_away)
{
	uint64_t before = go_memory_away(m);
	int r = go_gather(m, items, n, size, take, context);

	*ret_away = go_memory_away(m) - before;
	return r == 0 && *ret_away > n / AWAY_PART ? -ENXIO : r;
}
