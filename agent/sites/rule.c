// SPDX-License-Identifier: GPL-2.0-only
#include <dwarf.h>

#include "agent/sites/rule.h"

#define SAVED_BP 1 /* places in cfi_row.saved */
#define SAVED_RA 6

static struct frame_rule rule_of_simple(const struct cfi_row *row)
{
	struct frame_rule rule = { .cfa_offset = row->cfa_offset };
	int32_t bp = row->saved[SAVED_BP];

	if (row->saved[SAVED_RA] != -8)
		return (struct frame_rule){ 0 };
	if (row->cfa_register == STACK_RSP)
		rule.base = FRAME_SP;
	else if (row->cfa_register == STACK_RBP)
		rule.base = FRAME_BP;
	if (bp != CFI_SAME && bp != CFI_UNDEFINED) {
		rule.bp = FRAME_BP_AT_CFA;
		rule.bp_offset = bp;
	}
	return rule;
}

/* An expression that is rbp plus a constant that fits. */
static bool is_bp_offset(const Dwarf_Op *op, int32_t *ret_offset)
{
	*ret_offset = (int32_t)op->number;
	return op->atom == DW_OP_breg0 + STACK_RBP && (int64_t)op->number == *ret_offset;
}

/*
 * A function that realigned its stack: its first stack pointer is kept below rbp, and the caller's
 * rbp lies where rbp points. An expression of a register begins with the CFA, which is not used.
 */
static struct frame_rule rule_of_realigned(Dwarf_Frame *frame)
{
	struct frame_rule rule = { .base = FRAME_BP_DEREF, .bp = FRAME_BP_AT_BP };
	struct frame_rule none = { 0 };
	Dwarf_Op memory[3], *ops;
	size_t n;

	if (dwarf_frame_cfa(frame, &ops, &n) != 0 || n != 2 || ops[1].atom != DW_OP_deref ||
	    !is_bp_offset(&ops[0], &rule.cfa_offset))
		return none;
	if (dwarf_frame_register(frame, STACK_RBP, memory, &ops, &n) != 0 || n == 0 || n > 2)
		return none;
	return is_bp_offset(&ops[n - 1], &rule.bp_offset) ? rule : none;
}

struct frame_rule rule_of_row(const struct cfi_row *row)
{
	if (row->kind == CFI_SIMPLE && !row->signal)
		return rule_of_simple(row);
	if (row->kind == CFI_COMPLEX && !row->signal)
		return rule_of_realigned(row->frame);
	return (struct frame_rule){ 0 };
}

/* Go describes its frames for debuggers alone, who are not told where the runtime changes stacks.
 */
static bool is_go(struct module *m, uint64_t address)
{
	return (module_has_section(m, ".go.buildinfo") ||
		module_has_section(m, ".note.go.buildid")) &&
	       !cfi_is_of_runtime(m, address);
}

static struct frame_rule rule_at(struct spaces *spaces, struct cfi_cache *cache,
				 struct space *space, const struct source *source, uint64_t pc)
{
	struct region *region = space_find(space, pc);
	struct module *m = region ? region_module(spaces, region, source) : NULL;
	uint64_t address;

	if (!m || module_address(m, region_offset(region, pc), &address) < 0)
		return (struct frame_rule){ 0 };
	if (is_go(m, address))
		return (struct frame_rule){ .base = FRAME_GO };
	return rule_of_row(cfi_find(cache, m, address));
}

int rules_find(struct spaces *spaces, struct cfi_cache *cache, uint64_t process,
	       const struct source *source, const uint64_t *pcs, size_t n, struct frame_rule *ret)
{
	struct space *space;
	bool fresh;
	int r = spaces_get(spaces, process, source, &space, &fresh);

	for (size_t i = 0; r == 0 && i < n; i++) {
		space_look(spaces, space, source, pcs[i] - 1, &fresh);
		ret[i] = rule_at(spaces, cache, space, source, pcs[i] - 1);
	}
	return r;
}
