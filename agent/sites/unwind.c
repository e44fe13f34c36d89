// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "agent/sites/expression.h"
#include "agent/sites/unwind.h"

struct walk {
	const struct unwinder *u;
	const struct stack_copy *stack;
	struct space *space;
	uint64_t registers[STACK_REGISTERS];
	bool exact; /* the address is of the instruction itself, not behind a call */
	bool fresh; /* the mappings were read for this very stack */
};

static int read_stack(const void *memory, uint64_t address, size_t size, uint64_t *ret)
{
	const struct stack_copy *stack = memory;
	uint64_t at = address - stack->regs[STACK_RSP];

	if (at > stack->size || stack->size - at < size)
		return -EFAULT;
	*ret = 0;
	memcpy(ret, stack->bytes + at, size);
	return 0;
}

static int apply_simple(struct walk *w, const struct cfi_row *row, uint64_t *next)
{
	uint64_t cfa = w->registers[row->cfa_register] + (uint64_t)(int64_t)row->cfa_offset;

	for (size_t i = 0; i < CFI_SAVED; i++) {
		uint8_t number = cfi_saved[i];
		int32_t offset = row->saved[i];
		int r;

		if (offset == CFI_SAME)
			continue;
		next[number] = 0;
		if (offset == CFI_UNDEFINED)
			continue;
		r = read_stack(w->stack, cfa + (uint64_t)(int64_t)offset, 8, &next[number]);
		if (r < 0 && number == STACK_RIP)
			return r;
	}
	next[STACK_RSP] = cfa;
	return 0;
}

static int apply_register(const struct expression_context *c, Dwarf_Frame *frame, int number,
			  uint64_t *ret)
{
	Dwarf_Op memory[3], *ops;
	uint64_t result;
	bool is_value;
	size_t n;
	int r;

	if (dwarf_frame_register(frame, number, memory, &ops, &n) != 0)
		return -EINVAL;
	if (n == 0) {
		if (ops)
			*ret = 0;
		return 0;
	}
	r = expression_evaluate(c, ops, n, &result, &is_value);
	if (r < 0)
		return r;
	if (!is_value)
		return read_stack(c->memory, result, 8, ret);
	*ret = result;
	return 0;
}

static int apply_complex(struct walk *w, const struct cfi_row *row, uint64_t *next)
{
	struct expression_context c = { .registers = w->registers,
					.read = read_stack,
					.memory = w->stack };
	Dwarf_Op *ops;
	uint64_t cfa;
	bool is_value;
	size_t n;
	int r;

	if (dwarf_frame_cfa(row->frame, &ops, &n) != 0)
		return -EINVAL;
	r = expression_evaluate(&c, ops, n, &cfa, &is_value);
	if (r < 0)
		return r;
	c.cfa = &cfa;
	next[STACK_RSP] = cfa;
	for (int i = 0; i < STACK_REGISTERS; i++) {
		r = apply_register(&c, row->frame, i, &next[i]);
		if (r < 0 && (i == STACK_RIP || i == STACK_RSP))
			return r;
	}
	return 0;
}

/* Whether a value can be a return address: it points behind something executable. */
static bool is_code(const struct walk *w, uint64_t value)
{
	return value != 0 && space_find(w->space, value - 1) != NULL;
}

/* For code without tables: the frame pointer's chain, else the word at the top of the stack. */
static int guess(const struct walk *w, uint64_t *next)
{
	uint64_t frame = w->registers[STACK_RBP], top = w->registers[STACK_RSP], caller, saved;

	if (frame >= top && frame % 8 == 0 && read_stack(w->stack, frame, 8, &saved) == 0 &&
	    read_stack(w->stack, frame + 8, 8, &caller) == 0 && is_code(w, caller)) {
		next[STACK_RBP] = saved;
		next[STACK_RSP] = frame + 16;
		next[STACK_RIP] = caller;
		return 0;
	}
	if (read_stack(w->stack, top, 8, &caller) == 0 && is_code(w, caller)) {
		next[STACK_RSP] = top + 8;
		next[STACK_RIP] = caller;
		return 0;
	}
	return -ENODATA;
}

static const struct cfi_row *find_row(struct walk *w, struct region *region, uint64_t pc)
{
	struct module *m = region ? region_module(w->u->spaces, region, w->u->source) : NULL;
	uint64_t address;

	if (!m || module_address(m, region_offset(region, pc), &address) < 0)
		return NULL;
	return cfi_find(w->u->cache, m, address);
}

/* To the caller's registers. 1 when there is one, 0 at the outermost function, or -errno. */
static int step(struct walk *w, struct wire_unwound *result)
{
	uint64_t pc = w->registers[STACK_RIP] - !w->exact, next[STACK_REGISTERS];
	struct region *region = space_look(w->u->spaces, w->space, w->u->source, pc, &w->fresh);
	const struct cfi_row *row = find_row(w, region, pc);
	bool has_table = row && row->kind != CFI_NONE;
	int r;

	memcpy(next, w->registers, sizeof(next));
	if (!has_table)
		r = guess(w, next);
	else if (row->kind == CFI_SIMPLE)
		r = apply_simple(w, row, next);
	else
		r = apply_complex(w, row, next);
	if (r < 0)
		return r;
	if (next[STACK_RIP] == 0)
		return 0;
	if (next[STACK_RSP] <= w->registers[STACK_RSP] && !(has_table && row->signal))
		return -ELOOP; /* stacks grow down: a caller's frame is above */
	result->guessed += !has_table;
	w->exact = has_table && row->signal;
	memcpy(w->registers, next, sizeof(next));
	return 1;
}

int unwind(const struct unwinder *u, uint64_t process, const struct stack_copy *stack,
	   uint64_t *ret_pcs, size_t max, size_t *ret_n, struct wire_unwound *ret)
{
	struct walk w = { .u = u, .stack = stack, .exact = true };
	size_t n = 0;
	int r = spaces_get(u->spaces, process, u->source, &w.space, &w.fresh);

	if (r < 0)
		return r;
	*ret = (struct wire_unwound){ 0 };
	memcpy(w.registers, stack->regs, sizeof(w.registers));
	r = 1;
	while (n < max && r == 1) {
		ret_pcs[n++] = w.registers[STACK_RIP];
		r = step(&w, ret);
	}
	ret->complete = r == 0;
	*ret_n = n;
	return n == 1 && r == -ENODATA ? r : 0;
}
