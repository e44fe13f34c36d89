// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/variables.h"

#define CODE_MAX 8192
#define REFS_MAX 192
#define REX_W	 0x48

/* X(anchor, name): functions whose code refers to what is looked for. */
#define ANCHORS(X)                                                                                 \
	X(MAIN, "runtime.main")                                                                    \
	X(ALLGADD, "runtime.allgadd")                                                              \
	X(PREEMPTALL, "runtime.preemptall")                                                        \
	X(NEWBUCKET, "runtime.newBucket")                                                          \
	X(FLUSH_LOCKED, "runtime.mProf_FlushLocked")                                               \
	X(PROFILEALLOC, "runtime.profilealloc")                                                    \
	X(ALLOCMCACHE, "runtime.allocmcache")                                                      \
	X(WAIT_REASON, "runtime.waitReason.String")                                                \
	X(GETEMPTY, "runtime.getempty.func1")                                                      \
	X(GC_MARK_DONE, "runtime.gcMarkDone")                                                      \
	X(GC_WORKER, "runtime.gcBgMarkWorker")                                                     \
	X(GC_START, "runtime.gcStart")                                                             \
	X(GC_MARK, "runtime.gcMark")

enum anchor {
#define X(anchor, ...) ANCHOR_##anchor,
	ANCHORS(X)
#undef X
		ANCHOR_MAX
};

static const char *const names[ANCHOR_MAX] = {
#define X(anchor, name) [ANCHOR_##anchor] = name,
	ANCHORS(X)
#undef X
};

struct anchors {
	struct go_function functions[ANCHOR_MAX];
	bool found[ANCHOR_MAX];
};

/* An operand relative to the next instruction. */
struct ref {
	uint64_t target;
	uint8_t opcode;
	bool wide; /* of eight bytes */
};

struct refs {
	struct ref rows[REFS_MAX];
	size_t n;
};

/* Bytes that follow the operand in an instruction of that opcode; -1 for one that is not known to
 * take such an operand. */
static int immediate_size(uint8_t opcode)
{
	switch (opcode) {
	case 0x01: /* add to memory */
	case 0x03: /* add from memory */
	case 0x39: /* compare */
	case 0x3b:
	case 0x63: /* move, sign-extended */
	case 0x87: /* exchange */
	case 0x89: /* store */
	case 0x8b: /* load */
	case 0x8d: /* take the address */
		return 0;
	case 0x80: /* arithmetic with a constant of a byte */
	case 0x83:
	case 0xc6: /* store a constant */
		return 1;
	case 0x81:
	case 0xc7:
		return 4;
	}
	return -1;
}

/* ModRM: no base register, a displacement of four bytes. */
static bool is_relative(uint8_t modrm)
{
	return (modrm & 0xc7) == 0x05;
}

/*
 * No disassembler: every place is tried, and a target that is no variable of the program is none. A
 * target of chance is as rare as variables are small beside the address space.
 */
static void scan_code(const struct go_module *m, uint64_t address, const uint8_t *code, size_t size,
		      struct refs *ret)
{
	for (size_t i = 0; i + 6 <= size && ret->n < REFS_MAX; i++) {
		int immediate = immediate_size(code[i]);
		uint64_t target;

		if (immediate < 0 || !is_relative(code[i + 1]))
			continue;
		target = address + i + 6 + (uint64_t)immediate +
			 (uint64_t)(int64_t)(int32_t)go_u32(code + i + 2);
		if (!go_module_is_data(m, target, 1))
			continue;
		ret->rows[ret->n++] =
			(struct ref){ .target = target,
				      .opcode = code[i],
				      .wide = i > 0 && (code[i - 1] & 0xf8) == REX_W };
	}
}

static void read_refs(struct go_module *m, const struct anchors *a, enum anchor anchor,
		      struct refs *ret)
{
	const struct go_function *f = &a->functions[anchor];
	uint8_t code[CODE_MAX];
	uint64_t size = f->end - f->entry;

	ret->n = 0;
	size = size < CODE_MAX ? size : CODE_MAX;
	if (a->found[anchor] && go_module_is_code(m, f->entry) && f->end > f->entry &&
	    go_memory_fixed(m->table.memory, f->entry, code, size) == 0)
		scan_code(m, f->entry, code, size, ret);
}

static bool has_target(const struct refs *refs, uint64_t target)
{
	for (size_t i = 0; i < refs->n; i++)
		if (refs->rows[i].target == target)
			return true;
	return false;
}

/* A slice is three words, of which code that uses it reads the first two or all. */
static uint64_t find_slice(const struct refs *refs, unsigned int words)
{
	for (size_t i = 0; i < refs->n; i++) {
		uint64_t base = refs->rows[i].target;
		bool all = true;

		for (unsigned int w = 1; w < words; w++)
			all &= has_target(refs, base + 8 * w);
		if (all)
			return base;
	}
	return 0;
}

/* The first that is used like this. */
static uint64_t find_opcode(const struct refs *refs, uint8_t opcode)
{
	for (size_t i = 0; i < refs->n; i++)
		if (refs->rows[i].opcode == opcode && refs->rows[i].wide)
			return refs->rows[i].target;
	return 0;
}

/* Where addresses are taken in all of these functions; of several the one taken most often. */
static uint64_t find_controller(struct go_module *m, const struct anchors *a)
{
	static const enum anchor users[] = { ANCHOR_GC_MARK_DONE, ANCHOR_GC_WORKER,
					     ANCHOR_GC_START };
	struct refs first, other;
	uint64_t best = 0;
	size_t most = 0;

	read_refs(m, a, ANCHOR_GC_MARK, &first);
	for (size_t i = 0; i < first.n; i++) {
		size_t users_of = 0;

		if (first.rows[i].opcode != 0x8d)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(users); k++) {
			read_refs(m, a, users[k], &other);
			for (size_t j = 0; j < other.n; j++) {
				if (other.rows[j].opcode == 0x8d &&
				    other.rows[j].target == first.rows[i].target) {
					users_of++;
					break;
				}
			}
		}
		if (users_of > most) {
			most = users_of;
			best = first.rows[i].target;
		}
	}
	return most == ARRAY_SIZE(users) ? best : 0;
}

/* What both load: the sample of an allocation, and a new cache of memory, which has its first
 * sample before it. The one that samples loads the runtime's first cache too. */
static uint64_t find_profile_rate(struct go_module *m, const struct anchors *a)
{
	struct refs sample, cache;

	read_refs(m, a, ANCHOR_PROFILEALLOC, &sample);
	read_refs(m, a, ANCHOR_ALLOCMCACHE, &cache);
	for (size_t i = 0; i < cache.n; i++)
		if (cache.rows[i].opcode == 0x8b && cache.rows[i].wide &&
		    has_target(&sample, cache.rows[i].target))
			return cache.rows[i].target;
	return 0;
}

/* An array of strings is what is indexed there; a string constant is no variable. */
static void find_all(struct go_module *m, const struct anchors *a, uint32_t buckhash_sys,
		     struct go_variables *ret)
{
	struct refs refs;

	ret->main = a->found[ANCHOR_MAIN] ? a->functions[ANCHOR_MAIN].entry : 0;
	read_refs(m, a, ANCHOR_ALLGADD, &refs);
	ret->allgs = find_slice(&refs, 3);
	read_refs(m, a, ANCHOR_PREEMPTALL, &refs);
	ret->allp = find_slice(&refs, 2);
	read_refs(m, a, ANCHOR_FLUSH_LOCKED, &refs);
	ret->buckets = find_opcode(&refs, 0x8b);
	read_refs(m, a, ANCHOR_NEWBUCKET, &refs);
	ret->memstats = find_opcode(&refs, 0x8d);
	ret->memstats = ret->memstats && buckhash_sys ? ret->memstats - buckhash_sys : 0;
	ret->profile_rate = find_profile_rate(m, a);
	read_refs(m, a, ANCHOR_WAIT_REASON, &refs);
	ret->wait_reasons = find_opcode(&refs, 0x8d);
	read_refs(m, a, ANCHOR_GETEMPTY, &refs);
	ret->heap = find_opcode(&refs, 0x8d);
	ret->controller = find_controller(m, a);
}

/* An assembly function has a wrapper of the same name; none of the anchors is one. */
static int take_function(void *context, const struct go_function *f, const char *name)
{
	struct anchors *a = context;

	if (strncmp(name, "runtime.", 8) != 0)
		return 0;
	for (enum anchor k = 0; k < ANCHOR_MAX; k++) {
		if (!a->found[k] && strcmp(name, names[k]) == 0) {
			a->functions[k] = *f;
			a->found[k] = true;
		}
	}
	return 0;
}

int go_variables_find(struct go_module *m, uint32_t buckhash_sys, struct go_variables *ret)
{
	struct anchors anchors = { 0 };
	int r = go_table_each(&m->table, take_function, &anchors);

	if (r == 0)
		find_all(m, &anchors, buckhash_sys, ret);
	return r;
}
