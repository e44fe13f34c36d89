/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ELF files, each mapped once however many processes use it. All of this runs in the sandboxed
 * child: every offset in such a file may lie.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>
#include <gelf.h>

#include "agent/sites/source.h"

/* A file in memory and libelf's view of it. */
struct image {
	char *bytes; /* private, writable: libelf decompresses sections in place of their headers */
	size_t size;
	bool mapped; /* else allocated */
	Elf *elf;
};

#define MODULE_SEGMENTS 16

struct segment {
	uint64_t offset, file_size, address, memory_size;
	bool executable;
};

struct symbols; /* symbols.h */
struct debug;	/* debug.h */

struct module {
	struct module *next;
	unsigned int references;
	uint32_t id; /* never used twice: what a cache may hold longer than the module */
	uint64_t device, inode, modified;
	struct image image;
	struct segment segments[MODULE_SEGMENTS];
	size_t n_segments;
	bool cfi_looked, debug_looked;
	Dwarf_CFI *cfi;	     /* of .eh_frame; owned */
	Dwarf *frames;	     /* opened for .debug_frame alone, since cached rows point into it */
	struct debug *debug; /* NULL when there is no DWARF */
	struct symbols *symbols;
};

struct modules {
	struct module *first;
	struct module *vdso;
	uint32_t last_id;
};

/* Map a regular file of at most 512 MiB. -EFBIG, -ENOMEM, -ENOEXEC when it is no 64-bit ELF. */
int image_load(int fd, struct image *ret);
void image_close(struct image *i);

/* The module of a file; takes a reference that module_release gives back. */
int modules_get(struct modules *m, int fd, struct module **ret);
/* The vdso is the same in every 64-bit process of a host: the child reads its own. */
int modules_get_vdso(struct modules *m, struct module **ret);
void module_release(struct modules *m, struct module *module);
/* Give back what DWARF and symbols took; it is read again when needed. */
void modules_shrink(struct modules *m);

/* File offset to the address that the ELF file calls it, and back. -ENOENT outside all segments. */
int module_address(const struct module *m, uint64_t offset, uint64_t *ret_address);
int module_offset(const struct module *m, uint64_t address, uint64_t *ret_offset);

bool module_has_section(const struct module *m, const char *name);
