// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a program makes channels: the calls of runtime.makechan(type, size), whose arguments are in
 * RAX and RBX. The compiler loads the type's address just before, and the size where it is a
 * constant. So without a disassembler, and without having been there, the code says what is made
 * where: by the type of the items, and among several such places by the capacity.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/channels.h"

#define CALLS_MAX  8192u
#define CHUNK	   65536u
#define CALL	   0xe8
#define CALL_BYTES 5
#define LOAD_BYTES 7
#define MOVE_SIZE  0xbb /* mov $constant,%ebx */
#define MOVE_BYTES 5
#define BEFORE	   128u /* bytes of code, in which the arguments are loaded */
#define CHAN_ITEM  48	/* struct chantype: the items' type follows what all types have */

/* A constant below is met by chance, or is no reason to look for it. */
#define CONSTANT_LEAST 256

struct call {
	uint64_t pc;   /* where it returns to */
	uint64_t type; /* of the items; 0: not loaded as an address, as in generic code */
};

struct go_makers {
	size_t n, n_sends;
	bool cut; /* there are more */
	struct call calls[CALLS_MAX];
	uint64_t sends[CALLS_MAX]; /* where calls that send return to */
};

/* Functions that are called. */
enum { MAKE, SEND, TRY, TARGETS };
static const char *const targets[TARGETS] = {
	[MAKE] = "runtime.makechan",
	[SEND] = "runtime.chansend1",
	[TRY] = "runtime.selectnbsend",
};

/* Their entries, 0 of one that the program does not have. */
static int find_entries(struct go_table *t, uint64_t ret[TARGETS])
{
	char name[64];
	int r = 0;

	for (uint64_t i = 0; i < t->n_functions && r == 0; i++) {
		struct go_function f;

		r = go_table_function(t, i, &f);
		if (r == 0)
			r = go_table_name(t, &f, name, sizeof(name));
		for (size_t k = 0; k < TARGETS && r == 0; k++)
			if (strcmp(name, targets[k]) == 0)
				ret[k] = f.entry;
		if (r == -EPROTO)
			r = 0; /* one lying row */
	}
	return r;
}

/* lea disp(%rip),%rax */
static bool loads_type(const uint8_t *code)
{
	return code[0] == 0x48 && code[1] == 0x8d && code[2] == 0x05;
}

/* The last type that is loaded before the call; other addresses lead to no type of items. code:
 * that ends at pc. */
static uint64_t find_type(struct go_process *p, const uint8_t *code, size_t n, uint64_t pc)
{
	for (size_t i = n - CALL_BYTES + 1; i-- > LOAD_BYTES;) {
		const uint8_t *load = code + i - LOAD_BYTES;
		uint64_t after = pc - n + i, item;

		if (loads_type(load) &&
		    go_memory_fixed(&p->memory,
				    after + (uint64_t)(int64_t)(int32_t)go_u32(load + 3) +
					    CHAN_ITEM,
				    &item, sizeof(item)) == 0 &&
		    go_is_type(p, item))
			return item;
	}
	return 0;
}

static void add_call(struct go_process *p, const uint8_t *code, size_t n, uint64_t pc)
{
	struct go_makers *m = p->makers;

	if (m->n == CALLS_MAX)
		m->cut = true;
	else
		m->calls[m->n++] = (struct call){ .pc = pc, .type = find_type(p, code, n, pc) };
}

static void add_send(struct go_makers *m, uint64_t pc)
{
	if (m->n_sends < CALLS_MAX && (!m->n_sends || m->sends[m->n_sends - 1] < pc))
		m->sends[m->n_sends++] = pc;
}

/* Calls within these bytes of code; what stands before the first of them may be cut off. */
static void find_calls(struct go_process *p, const uint8_t *code, size_t n, uint64_t address,
		       const uint64_t entries[TARGETS])
{
	const uint8_t *at = code;

	while (at < code + n && (at = memchr(at, CALL, (size_t)(code + n - at)))) {
		size_t i = (size_t)(at - code), before = i < BEFORE ? i : BEFORE;
		uint64_t pc = address + i + CALL_BYTES, target;

		if (i + CALL_BYTES > n)
			return;
		target = pc + (uint64_t)(int64_t)(int32_t)go_u32(at + 1);
		if (target == entries[MAKE])
			add_call(p, at - before, before + CALL_BYTES, pc);
		else if (target == entries[SEND] || target == entries[TRY])
			add_send(p->makers, pc);
		at++;
	}
}

static int read_code(struct go_process *p, const uint64_t entries[TARGETS])
{
	_cleanup_free_ uint8_t *code = malloc(BEFORE + CHUNK + CALL_BYTES - 1);
	const struct go_table *t = &p->module.table;
	int r = code ? 0 : -ENOMEM;

	/* Of each chunk what stands before it is read again, for the arguments, and so much after
	 * it that a call across its end is whole. */
	for (uint64_t at = t->text; r == 0 && at < t->end; at += CHUNK) {
		uint64_t from = at - t->text < BEFORE ? at : at - BEFORE;
		uint64_t until = t->end - at < CHUNK ? t->end : at + CHUNK;
		uint64_t end = t->end - until < CALL_BYTES - 1 ? t->end : until + CALL_BYTES - 1;

		r = go_memory_read(&p->memory, from, code, end - from);
		if (r == 0)
			find_calls(p, code, end - from, from, entries);
	}
	return r;
}

/* Calls that overlap two chunks are found in both. */
static void drop_doubles(struct go_makers *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		if (n == 0 || m->calls[n - 1].pc < m->calls[i].pc)
			m->calls[n++] = m->calls[i];
	m->n = n;
}

static int learn(struct go_process *p)
{
	uint64_t entries[TARGETS] = { 0 };
	int r;

	if (p->makers)
		return 0;
	r = find_entries(&p->module.table, entries);
	if (r < 0)
		return r;
	p->makers = calloc(1, sizeof(*p->makers));
	if (!p->makers)
		return -ENOMEM;
	if (entries[MAKE])
		r = read_code(p, entries);
	if (r < 0)
		free(TAKE_PTR(p->makers));
	else
		drop_doubles(p->makers);
	return r;
}

/* mov $constant,%register, of whichever width: "b8+r imm32" or "c7 c0+r imm32". */
static bool is_load(const uint8_t *immediate)
{
	return (immediate[-1] & 0xf8) == 0xb8 ||
	       (immediate[-2] == 0xc7 && (immediate[-1] & 0xf8) == 0xc0);
}

static bool loads_constant(struct go_process *p, uint64_t pc, uint64_t constant)
{
	uint8_t code[BEFORE];

	if (constant < CONSTANT_LEAST || constant > INT32_MAX ||
	    go_memory_fixed(&p->memory, pc - BEFORE, code, sizeof(code)) < 0)
		return false;
	for (size_t i = 2; i + 4 <= sizeof(code) - CALL_BYTES; i++)
		if (go_u32(code + i) == constant && is_load(code + i))
			return true;
	return false;
}

/* mov $constant,%ebx right before the call, or before the type is loaded there: of no other size.
 */
static bool is_constant(struct go_process *p, uint64_t pc)
{
	uint8_t code[MOVE_BYTES + LOAD_BYTES + CALL_BYTES];

	return go_memory_fixed(&p->memory, pc - sizeof(code), code, sizeof(code)) == 0 &&
	       (code[LOAD_BYTES] == MOVE_SIZE ||
		(code[0] == MOVE_SIZE && loads_type(code + MOVE_BYTES)));
}

/* How many calls there are of that type, with that constant, or whose size is no constant (0); the
 * first of them. */
static size_t match(struct go_process *p, uint64_t type, uint64_t constant, uint64_t *ret,
		    size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < p->makers->n; i++) {
		const struct call *c = &p->makers->calls[i];

		if (c->type != type ||
		    (constant ? !loads_constant(p, c->pc, constant) : is_constant(p, c->pc)))
			continue;
		if (n < max)
			ret[n] = c->pc;
		n++;
	}
	return n;
}

int go_makers_find(struct go_process *p, const struct go_hchan *c, uint64_t *ret, size_t max)
{
	size_t n;
	int r = learn(p);

	if (r < 0)
		return r;
	n = match(p, c->type, c->capacity, ret, max);
	if (n == 0)
		n = match(p, 0, c->capacity, ret, max);
	if (n == 0 && !p->makers->cut)
		n = match(p, c->type, 0, ret, max);
	return n <= max ? (int)n : 0;
}

static bool is_of_package(struct go_process *p, const struct go_function *f, const char *package,
			  size_t length)
{
	char name[GO_NAME_MAX];

	return go_table_name(&p->module.table, f, name, sizeof(name)) == 0 &&
	       strncmp(name, package, length) == 0 && name[length] == '.';
}

int go_sends_find(struct go_process *p, const char *package, size_t length, uint64_t *ret,
		  size_t max)
{
	const struct go_makers *m = p->makers;
	struct go_function f = { 0 };
	size_t n = 0;

	/* Calls stand by address, so those of one function follow each other: one stands for all.
	 */
	for (size_t i = 0; m && i < m->n_sends; i++) {
		if (m->sends[i] - f.entry < f.end - f.entry)
			continue;
		if (go_table_find(&p->module.table, m->sends[i] - 1, &f) < 0 ||
		    !is_of_package(p, &f, package, length))
			continue;
		if (n == max)
			return 0;
		ret[n++] = m->sends[i];
	}
	return (int)n;
}
