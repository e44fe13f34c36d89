// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>

#include "agent/base/cleanup.h"
#include "agent/sites/cfi.h"

const uint8_t cfi_saved[CFI_SAVED] = { STACK_RBX, STACK_RBP, STACK_R12, STACK_R13,
				       STACK_R14, STACK_R15, STACK_RIP };

/* Go and some C libraries describe their frames for debuggers only. */
static void open_tables(struct module *m)
{
	m->cfi_looked = true;
	m->cfi = dwarf_getcfi_elf(m->image.elf);
	if (module_has_section(m, ".debug_frame") || module_has_section(m, ".zdebug_frame"))
		m->frames = dwarf_begin_elf(m->image.elf, DWARF_C_READ, NULL);
}

static int find_frame(struct module *m, uint64_t address, Dwarf_Frame **ret)
{
	Dwarf_CFI *debug;

	if (!m->cfi_looked)
		open_tables(m);
	if (m->cfi && dwarf_cfi_addrframe(m->cfi, address, ret) == 0)
		return 0;
	debug = m->frames ? dwarf_getcfi(m->frames) : NULL;
	return debug && dwarf_cfi_addrframe(debug, address, ret) == 0 ? 0 : -ENODATA;
}

bool cfi_is_of_runtime(struct module *m, uint64_t address)
{
	Dwarf_Frame *frame = NULL;

	if (!m->cfi_looked)
		open_tables(m);
	if (!m->cfi || dwarf_cfi_addrframe(m->cfi, address, &frame) != 0)
		return false;
	free(frame);
	return true;
}

static bool is_small(uint64_t offset)
{
	int64_t o = (int64_t)offset;

	return o > -(1 << 30) && o < 1 << 30;
}

/* CFA = register + offset, the only form that compilers write. */
static bool simple_cfa(Dwarf_Frame *frame, struct cfi_row *row)
{
	Dwarf_Op *ops;
	size_t n;
	uint64_t offset;

	if (dwarf_frame_cfa(frame, &ops, &n) != 0 || n != 1)
		return false;
	if (ops[0].atom >= DW_OP_breg0 && ops[0].atom <= DW_OP_breg15) {
		row->cfa_register = ops[0].atom - DW_OP_breg0;
		offset = ops[0].number;
	} else if (ops[0].atom == DW_OP_bregx && ops[0].number < STACK_REGISTERS) {
		row->cfa_register = (uint8_t)ops[0].number;
		offset = ops[0].number2;
	} else {
		return false;
	}
	row->cfa_offset = (int32_t)offset;
	return is_small(offset);
}

/*
 * The rule of one register as an offset from the CFA; *ret_value tells that the sum is the value
 * itself and not where it lies. dwarf_frame_register says "same" by no operations at all and
 * "undefined" by an empty list in the caller's memory.
 */
static bool simple_rule(Dwarf_Frame *frame, int number, int32_t *ret, bool *ret_value)
{
	Dwarf_Op memory[3], *ops;
	uint64_t offset = 0;
	size_t n, used = 1;

	*ret_value = false;
	if (dwarf_frame_register(frame, number, memory, &ops, &n) != 0)
		return false;
	if (n == 0) {
		*ret = ops ? CFI_UNDEFINED : CFI_SAME;
		return true;
	}
	if (ops[0].atom != DW_OP_call_frame_cfa)
		return false;
	if (used < n && ops[used].atom == DW_OP_plus_uconst)
		offset = ops[used++].number;
	if (used < n && ops[used].atom == DW_OP_stack_value) {
		*ret_value = true;
		used++;
	}
	*ret = (int32_t)offset;
	return used == n && is_small(offset);
}

static bool is_saved(int number)
{
	for (size_t i = 0; i < CFI_SAVED; i++)
		if (cfi_saved[i] == number)
			return true;
	return false;
}

/* The stack pointer is the CFA, and what a call may change is of no use to the caller. */
static bool simple_rest(Dwarf_Frame *frame)
{
	int32_t offset;
	bool value;

	for (int i = 0; i < STACK_RIP; i++) {
		if (is_saved(i))
			continue;
		if (!simple_rule(frame, i, &offset, &value))
			return false;
		if (offset == CFI_SAME || offset == CFI_UNDEFINED)
			continue;
		if (i != STACK_RSP || !value || offset != 0)
			return false;
	}
	return true;
}

static bool simplify(Dwarf_Frame *frame, struct cfi_row *row)
{
	if (!simple_cfa(frame, row) || !simple_rest(frame))
		return false;
	for (size_t i = 0; i < CFI_SAVED; i++) {
		bool value;

		if (!simple_rule(frame, cfi_saved[i], &row->saved[i], &value) || value)
			return false;
	}
	return true;
}

static void fill(struct cfi_row *row, struct module *m, uint64_t address)
{
	Dwarf_Frame *frame = NULL;

	*row = (struct cfi_row){ .address = address, .module = m->id, .kind = CFI_NONE };
	if (find_frame(m, address, &frame) < 0)
		return;
	dwarf_frame_info(frame, NULL, NULL, &row->signal);
	if (simplify(frame, row)) {
		row->kind = CFI_SIMPLE;
		free(frame);
	} else {
		row->kind = CFI_COMPLEX;
		row->frame = frame;
	}
}

const struct cfi_row *cfi_find(struct cfi_cache *cache, struct module *m, uint64_t address)
{
	uint64_t hash = (address ^ (uint64_t)m->id << 40) * 0x9e3779b97f4a7c15ull;
	struct cfi_row *row = &cache->rows[hash >> 32 & (CFI_ROWS - 1)];

	if (row->kind == CFI_EMPTY || row->address != address || row->module != m->id) {
		free(row->frame);
		fill(row, m, address);
	}
	return row;
}

void cfi_cache_free(struct cfi_cache *cache)
{
	for (size_t i = 0; i < CFI_ROWS; i++)
		free(cache->rows[i].frame);
}
