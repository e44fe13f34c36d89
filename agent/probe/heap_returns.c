// SPDX-License-Identifier: GPL-2.0-only
#include "agent/probe/heap_returns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "agent/base/cleanup.h"
#include "agent/probe/uprobe.h"
#include "agent/sites/reader.h"

#define INSTRUCTION_MAX 15 /* bytes */

struct heap_returns {
	struct heap_returns_options options;
	uint64_t pcs[HEAP_RETURNS];  /* that were added, or cannot be */
	size_t n, most;		     /* most: that are added at once */
	size_t n_before, set_before; /* before the last addition */
};

int heap_returns_new(const struct heap_returns_options *options, struct heap_returns **ret)
{
	struct heap_returns *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->options = *options;
	r->most = HEAP_RETURNS;
	*ret = r;
	return 0;
}

void heap_returns_free(struct heap_returns *r)
{
	free(r);
}

static bool is_known(const struct heap_returns *r, uint64_t pc)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->pcs[i] == pc)
			return true;
	return false;
}

struct mapping {
	uint64_t start, end, offset;
};

/* The executable mapping of a file that covers it: 0, -ENOENT, or as reader_open. */
static int find_mapping(const struct heap_returns *r, uint64_t pc, struct mapping *ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	char line[1024], flags[8], path[2];
	int fd, e = reader_open(r->options.reader, r->options.pid, READER_MAPS, &fd);

	if (e < 0)
		return e;
	f = fdopen(fd, "re");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %1s", &ret->start, &ret->end, flags,
			   &ret->offset, path) == 5 &&
		    flags[2] == 'x' && path[0] == '/' && pc >= ret->start && pc < ret->end)
			return 0;
	return -ENOENT;
}

/* The kernel puts no probe on an instruction with one of these prefixes (is_prefix_bad in
 * arch/x86/kernel/uprobes.c): a lock, a segment's. */
static bool has_bad_prefix(int fd, uint64_t offset)
{
	static const uint8_t bad[] = { 0xf0, 0x26, 0x2e, 0x36, 0x3e };
	static const uint8_t others[] = { 0x66, 0x67, 0xf2, 0xf3, 0x64, 0x65 };
	uint8_t byte;

	for (size_t i = 0; i < INSTRUCTION_MAX && pread(fd, &byte, 1, (off_t)(offset + i)) == 1;
	     i++) {
		if (memchr(bad, byte, sizeof(bad)))
			return true;
		if (!memchr(others, byte, sizeof(others)))
			break;
	}
	return false;
}

static int add_probe(struct heap_returns *r, uint64_t pc)
{
	const struct heap_returns_options *o = &r->options;
	_cleanup_close_ int fd = -1;
	uint32_t yes = 1;
	struct mapping m;
	int e = find_mapping(r, pc, &m);

	if (e == 0)
		e = reader_open_mapping(o->reader, o->pid, m.start, m.end, &fd);
	if (e == 0 && has_bad_prefix(fd, m.offset + pc - m.start))
		e = -ENOENT;
	if (e == 0)
		e = uprobe_set_add(o->set, fd, m.offset + pc - m.start, o->program_fd, 0);
	if (e == 0 && bpf_map_update_elem(o->map_fd, &pc, &yes, BPF_ANY) < 0)
		e = -errno;
	return e;
}

static int add(struct heap_returns *r, uint64_t pc)
{
	int e = add_probe(r, pc);

	r->pcs[r->n++] = pc;
	return e == -ENOENT || e == -ETIMEDOUT || e == -E2BIG ? 0 : e;
}

/* The next site from *slot on whose place has not been added; NULL after the last. */
static const struct known_site *next_new(const struct heap_returns *r,
					 const struct heap_known *known, size_t *slot)
{
	while (*slot < KNOWN_SLOTS) {
		const struct known_site *site = &known->slots[(*slot)++];

		if (site->key && site->n && !is_known(r, site->pcs[0]))
			return site;
	}
	return NULL;
}

int heap_returns_add(struct heap_returns *r, const struct heap_known *known)
{
	const struct known_site *site;
	size_t slot = 0;
	int e = 0;

	r->n_before = r->n;
	r->set_before = uprobe_set_size(r->options.set);
	while (e == 0 && r->n < HEAP_RETURNS && r->n - r->n_before < r->most &&
	       (site = next_new(r, known, &slot)))
		e = add(r, site->pcs[0]);
	return e;
}

bool heap_returns_refused(struct heap_returns *r)
{
	size_t added = r->n - r->n_before;

	uprobe_set_cut(r->options.set, r->set_before);
	for (size_t i = r->n_before; i < r->n; i++)
		bpf_map_delete_elem(r->options.map_fd, &r->pcs[i]);
	if (added > 1)
		r->n = r->n_before;
	r->most = 1;
	return added > 0;
}
