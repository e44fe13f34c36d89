// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include <dwarf.h>

#include "agent/sites/expression.h"

#define STACK_WORDS 64
#define STEPS_MAX   1000

struct machine {
	const struct expression_context *context;
	uint64_t words[STACK_WORDS];
	size_t depth;
	bool failed, is_value;
};

static void push(struct machine *m, uint64_t word)
{
	if (m->depth < STACK_WORDS)
		m->words[m->depth++] = word;
	else
		m->failed = true;
}

static uint64_t pop(struct machine *m)
{
	if (m->depth > 0)
		return m->words[--m->depth];
	m->failed = true;
	return 0;
}

static uint64_t peek(struct machine *m, uint64_t below)
{
	if (below < m->depth)
		return m->words[m->depth - 1 - below];
	m->failed = true;
	return 0;
}

static uint64_t machine_register(struct machine *m, uint64_t number)
{
	if (number < STACK_REGISTERS)
		return m->context->registers[number];
	m->failed = true;
	return 0;
}

static void load(struct machine *m, uint64_t size)
{
	uint64_t address = pop(m), word = 0;

	if ((size != 1 && size != 2 && size != 4 && size != 8) || m->failed ||
	    m->context->read(m->context->memory, address, size, &word) < 0)
		m->failed = true;
	push(m, word);
}

static void push_cfa(struct machine *m)
{
	if (!m->context->cfa)
		m->failed = true;
	else
		push(m, *m->context->cfa);
}

static void rotate(struct machine *m)
{
	uint64_t a = pop(m), b = pop(m), c = pop(m);

	push(m, a);
	push(m, c);
	push(m, b);
}

static void swap(struct machine *m)
{
	uint64_t a = pop(m), b = pop(m);

	push(m, a);
	push(m, b);
}

/* b is the top of the stack, a below it. */
static bool binary(uint8_t atom, uint64_t a, uint64_t b, uint64_t *ret)
{
	int64_t sa = (int64_t)a, sb = (int64_t)b;

	switch (atom) {
	case DW_OP_and:
		*ret = a & b;
		break;
	case DW_OP_or:
		*ret = a | b;
		break;
	case DW_OP_xor:
		*ret = a ^ b;
		break;
	case DW_OP_plus:
		*ret = a + b;
		break;
	case DW_OP_minus:
		*ret = a - b;
		break;
	case DW_OP_mul:
		*ret = a * b;
		break;
	case DW_OP_shl:
		*ret = b < 64 ? a << b : 0;
		break;
	case DW_OP_shr:
		*ret = b < 64 ? a >> b : 0;
		break;
	case DW_OP_shra:
		*ret = (uint64_t)(sa >> (b < 63 ? b : 63));
		break;
	case DW_OP_eq:
		*ret = a == b;
		break;
	case DW_OP_ne:
		*ret = a != b;
		break;
	case DW_OP_ge:
		*ret = sa >= sb;
		break;
	case DW_OP_gt:
		*ret = sa > sb;
		break;
	case DW_OP_le:
		*ret = sa <= sb;
		break;
	case DW_OP_lt:
		*ret = sa < sb;
		break;
	default:
		return false;
	}
	return true;
}

/* Operations without operand in the instruction that only move words. */
static bool move(struct machine *m, const Dwarf_Op *op)
{
	switch (op->atom) {
	case DW_OP_nop:
		break;
	case DW_OP_dup:
		push(m, peek(m, 0));
		break;
	case DW_OP_drop:
		pop(m);
		break;
	case DW_OP_over:
		push(m, peek(m, 1));
		break;
	case DW_OP_pick:
		push(m, peek(m, op->number));
		break;
	case DW_OP_swap:
		swap(m);
		break;
	case DW_OP_rot:
		rotate(m);
		break;
	case DW_OP_neg:
		push(m, -pop(m));
		break;
	case DW_OP_not:
		push(m, ~pop(m));
		break;
	case DW_OP_plus_uconst:
		push(m, pop(m) + op->number);
		break;
	default:
		return false;
	}
	return true;
}

static bool fetch(struct machine *m, const Dwarf_Op *op)
{
	switch (op->atom) {
	case DW_OP_lit0 ... DW_OP_lit31:
		push(m, op->atom - DW_OP_lit0);
		break;
	case DW_OP_const1u ... DW_OP_consts:
		push(m, op->number);
		break;
	case DW_OP_breg0 ... DW_OP_breg31:
		push(m, machine_register(m, op->atom - DW_OP_breg0) + op->number);
		break;
	case DW_OP_bregx:
		push(m, machine_register(m, op->number) + op->number2);
		break;
	case DW_OP_reg0 ... DW_OP_reg31:
		push(m, machine_register(m, op->atom - DW_OP_reg0));
		m->is_value = true;
		break;
	case DW_OP_regx:
		push(m, machine_register(m, op->number));
		m->is_value = true;
		break;
	case DW_OP_call_frame_cfa:
		push_cfa(m);
		break;
	case DW_OP_deref:
		load(m, 8);
		break;
	case DW_OP_deref_size:
		load(m, op->number);
		break;
	case DW_OP_stack_value:
		m->is_value = true;
		break;
	default:
		return false;
	}
	return true;
}

static void execute(struct machine *m, const Dwarf_Op *op)
{
	uint64_t a, b, result;

	if (move(m, op) || fetch(m, op))
		return;
	b = pop(m);
	a = pop(m);
	if (binary(op->atom, a, b, &result))
		push(m, result);
	else
		m->failed = true;
}

/* The operation a branch of three bytes leads to; n is the end, more is a mistake. */
static size_t branch(const Dwarf_Op *ops, size_t n, size_t at)
{
	uint64_t target = ops[at].offset + 3 + (uint64_t)(int64_t)(int16_t)ops[at].number;

	for (size_t i = 0; i < n; i++)
		if (ops[i].offset == target)
			return i;
	return n;
}

int expression_evaluate(const struct expression_context *c, const Dwarf_Op *ops, size_t n,
			uint64_t *ret, bool *ret_is_value)
{
	struct machine m = { .context = c };
	size_t at = 0;

	for (int steps = 0; at < n && !m.failed; steps++) {
		bool taken =
			ops[at].atom == DW_OP_skip || (ops[at].atom == DW_OP_bra && pop(&m) != 0);

		if (steps == STEPS_MAX)
			return -EINVAL;
		if (taken) {
			at = branch(ops, n, at);
			continue;
		}
		if (ops[at].atom != DW_OP_bra)
			execute(&m, &ops[at]);
		at++;
	}
	*ret = pop(&m);
	*ret_is_value = m.is_value;
	return m.failed ? -EINVAL : 0;
}
