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
#include "agent/runtime/go/calls.h"
#include "agent/runtime/go/channels.h"

#define CALLS_MAX  8192u
#define LOAD_BYTES 7
#define MOVE_SIZE  0xbb /* mov $constant,%ebx */
#define MOVE_BYTES 5
#define CHAN_ITEM  48 /* struct chantype: the items' type follows what all types have */

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

struct search {
	struct go_process *process;
	uint64_t entries[TARGETS]; /* 0 of a function that the program does not have */
};

static int take_entry(void *context, const struct go_function *f, const char *name)
{
	struct search *s = context;

	for (size_t k = 0; k < TARGETS; k++)
		if (strcmp(name, targets[k]) == 0)
			s->entries[k] = f->entry;
	return 0;
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
	for (size_t i = n - GO_CALL_BYTES + 1; i-- > LOAD_BYTES;) {
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

static int take_call(void *context, const struct go_call *call)
{
	struct search *s = context;
	struct go_makers *m = s->process->makers;

	if (call->to == s->entries[MAKE])
		add_call(s->process, call->code - call->before, call->before + GO_CALL_BYTES,
			 call->back);
	else if ((call->to == s->entries[SEND] || call->to == s->entries[TRY]) &&
		 m->n_sends < CALLS_MAX)
		m->sends[m->n_sends++] = call->back;
	return 0;
}

static int learn(struct go_process *p)
{
	struct search s = { .process = p };
	int r;

	if (p->makers)
		return 0;
	r = go_table_each(&p->module.table, take_entry, &s);
	if (r < 0)
		return r;
	p->makers = calloc(1, sizeof(*p->makers));
	if (!p->makers)
		return -ENOMEM;
	if (s.entries[MAKE])
		r = go_calls_each(p, take_call, &s);
	if (r < 0)
		free(TAKE_PTR(p->makers));
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
	uint8_t code[GO_CALL_BEFORE];

	if (constant < CONSTANT_LEAST || constant > INT32_MAX ||
	    go_memory_fixed(&p->memory, pc - GO_CALL_BEFORE, code, sizeof(code)) < 0)
		return false;
	for (size_t i = 2; i + 4 <= sizeof(code) - GO_CALL_BYTES; i++)
		if (go_u32(code + i) == constant && is_load(code + i))
			return true;
	return false;
}

/* mov $constant,%ebx right before the call, or before the type is loaded there: of no other size.
 */
static bool is_constant(struct go_process *p, uint64_t pc)
{
	uint8_t code[MOVE_BYTES + LOAD_BYTES + GO_CALL_BYTES];

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
