// SPDX-License-Identifier: GPL-2.0-only
#include "agent/runtime/go/stack.h"

#define FRAME_BYTES 16 /* the caller's frame pointer, and where to return to */

size_t go_stack_read(struct go_process *p, const struct go_parked *g, uint64_t *ret, size_t max)
{
	uint8_t bytes[GO_READ_BYTES];
	uint64_t at = g->bp, size = g->high - g->sp;
	size_t n = 0;

	if (g->sp < g->low || g->sp >= g->high || !go_module_is_code(&p->module, g->pc))
		return 0;
	size = size < sizeof(bytes) ? size : sizeof(bytes);
	if (go_memory_read(&p->memory, g->sp, bytes, size) < 0)
		return 0;
	ret[n++] = g->pc;
	/* Frames lie one above the other, so a chain that turns back has ended. */
	while (n < max && at >= g->sp && at - g->sp + FRAME_BYTES <= size) {
		uint64_t next = go_u64(bytes + (at - g->sp)), pc = go_u64(bytes + (at - g->sp) + 8);

		if (!go_module_is_code(&p->module, pc))
			break;
		ret[n++] = pc;
		if (next <= at)
			break;
		at = next;
	}
	return n;
}

void go_stack_tell(struct go_builder *b, const struct go_parked *g, uint16_t *ret_first,
		   uint16_t *ret_n)
{
	struct go_report *r = b->report;
	uint64_t pcs[GO_STACK];
	size_t n = go_stack_read(b->process, g, pcs, GO_STACK);

	*ret_first = (uint16_t)r->n_stacks;
	*ret_n = 0;
	for (size_t i = 0; i < n && r->n_stacks < GO_STACKS; i++) {
		uint16_t code = go_builder_code(b, pcs[i], i > 0);

		if (code == GO_CODES)
			break;
		r->stacks[r->n_stacks++] = code;
		(*ret_n)++;
	}
}
