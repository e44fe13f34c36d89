/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A Go program as its executable's file tells it: where its parts are mapped, which version built
 * it, with which settings. The file may lie; every offset is checked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/runtime/go/report.h"
#include "agent/sites/source.h"

#define GO_SEGMENTS 16

struct go_segment {
	uint64_t address, size; /* in the process */
	uint64_t offset, file_size;
	bool executable, writable;
};

struct go_image {
	struct go_segment segments[GO_SEGMENTS]; /* of the file, as far as it is loaded */
	size_t n_segments;
	uint64_t table; /* address of the section that holds the function table, 0 when unnamed */
	uint64_t table_size;
	char version[GO_VERSION]; /* "go1.22.12" */
	uint32_t minor;		  /* 0 when the version has another form ("devel") */
	bool async_timers;	  /* as the version and the build's settings have it */
	bool async_timers_open;	  /* the environment may still change that (1.23 to 1.26) */
};

/*
 * Read the executable of the process. -ENOEXEC when it is no Go program (or no 64-bit ELF file), or
 * what the source or a read failed with.
 */
int go_image_read(const struct source *source, struct go_image *ret);

/* Offset in the file of an address in the process, 0 when it is not of the file. */
uint64_t go_image_offset(const struct go_image *i, uint64_t address);

/* Where the file has what was mapped to a page (a multiple of 4096), GO_IMAGE_NOWHERE for none of
 * its pages: whole pages are mapped, also at the ends of a segment. */
#define GO_IMAGE_NOWHERE UINT64_MAX
uint64_t go_image_page(const struct go_image *i, uint64_t page);
