/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which pages of another process can be read without anything happening to it. Whoever reads a page
 * that is not there has it brought in: the target's lock of its memory is held, for reading, until
 * a disk or a file server has answered, and the page is the target's from then on (access_remote_vm
 * in the kernel's mm/memory.c). So /proc/PID/pagemap is asked before (the kernel's
 * Documentation/admin-guide/mm/pagemap.rst), and what is not there is had otherwise, or not at all.
 *
 * A page can go between the look and the read. The look is GO_PAGES_FRESH old at most when the read
 * begins, but for what the host lets our process wait. The kernel takes what is used least, which
 * is seldom what was just there.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/runtime/go/image.h"

#define GO_PAGE	       4096u
#define GO_PAGES_FRESH 20000000u /* nanoseconds */

enum go_page {
	GO_PAGE_PRESENT,
	GO_PAGE_SWAPPED, /* or on its way to another place in memory */
	GO_PAGE_EMPTY,	 /* of memory without a file, never written or given back: zeros */
	GO_PAGE_FILE,	 /* of the program's file, as it is there */
	GO_PAGE_ABSENT,	 /* of another file, of shared memory, or not known of which */
	GO_PAGE_NOWHERE, /* nothing is mapped there */
};

struct go_pages {
	int fd;			      /* on its /proc/PID/pagemap; owned */
	const struct go_image *image; /* where its file is mapped; not owned */
	const struct source *source;  /* of the request that is answered */
};

/*
 * Look anew from now on: a scan begins, of this process. The child has one thread and makes one
 * scan at a time, which all share the memory of what was seen.
 */
void go_pages_begin(struct go_pages *p, const struct source *source);

/*
 * What the page with this address is, and of the size bytes from there how many are known to be of
 * the same kind: *ret_size, less than there may be. -ESRCH when the address space is gone, -EIO
 * when the kernel does not say.
 */
int go_pages_look(struct go_pages *p, uint64_t address, size_t size, enum go_page *ret,
		  size_t *ret_size);

/* Read bytes of GO_PAGE_FILE out of the program's file: how many, or -errno. */
ssize_t go_pages_read_file(struct go_pages *p, uint64_t address, void *dst, size_t size);
