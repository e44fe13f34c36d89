/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of a program that does not exist: a file whose offsets are the addresses. Its pages
 * are there once something was put into them; what the kernel tells of pages is another file. The
 * rest is memory that was never written, unless a test says otherwise.
 */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/runtime/go/process.h"

#define FAKE_PRESENT (1ull << 63)
#define FAKE_SWAPPED (1ull << 62)
#define FAKE_SPACE   "1000-7ffffffff000 rw-p 00000000 00:00 0\n"

/* What the source gives; NULL: it fails. */
struct fake_files {
	const char *maps, *program;
	unsigned int opens;
};

static inline int fake_open(void *context, const struct wire_ask *ask, int *ret_fd)
{
	struct fake_files *f = context;
	const char *text = ask->kind == WIRE_MAPS ? f->maps : f->program;

	f->opens++;
	if (!text)
		return -EACCES;
	*ret_fd = memfd_create("file", MFD_CLOEXEC);
	assert_int_equal(write(*ret_fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(lseek(*ret_fd, 0, SEEK_SET), 0);
	return 0;
}

static struct fake_files fake_files = { .maps = FAKE_SPACE };
static const struct source fake_source = { .open = fake_open, .context = &fake_files };

static inline void fake_memory_new(struct go_process *p)
{
	fake_files = (struct fake_files){ .maps = FAKE_SPACE };
	p->memory.fd = memfd_create("memory", MFD_CLOEXEC);
	p->memory.pages = (struct go_pages){ .fd = memfd_create("pagemap", MFD_CLOEXEC),
					     .image = &p->image };
	assert_true(p->memory.fd >= 0);
	assert_int_equal(ftruncate(p->memory.pages.fd, (1ll << 47) / GO_PAGE * 8), 0);
}

/* What the kernel tells of the pages of a range, from the next scan on. */
static inline void fake_memory_entry(const struct go_process *p, uint64_t address, size_t size,
				     uint64_t entry)
{
	for (uint64_t page = address / GO_PAGE; page * GO_PAGE < address + size; page++)
		assert_int_equal(pwrite(p->memory.pages.fd, &entry, sizeof(entry),
					(off_t)(page * sizeof(entry))),
				 (ssize_t)sizeof(entry));
}

static inline void fake_memory_put(const struct go_process *p, uint64_t address, const void *bytes,
				   size_t size)
{
	off_t end = (off_t)((address + size + GO_PAGE - 1) / GO_PAGE * GO_PAGE);

	fake_memory_entry(p, address, size, FAKE_PRESENT);
	if (lseek(p->memory.fd, 0, SEEK_END) < end)
		assert_int_equal(ftruncate(p->memory.fd, end), 0);
	assert_int_equal(pwrite(p->memory.fd, bytes, size, (off_t)address), (ssize_t)size);
}
