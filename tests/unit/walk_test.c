// SPDX-License-Identifier: GPL-2.0-only
/* Stacks are left by rules, from that of C code to that of the goroutine that called it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bpf/lib/walk.h"

#define C_STACK	 0x7f0000001000ull
#define GO_STACK 0xc000010000ull /* below it */
#define WORDS	 16

struct memory {
	uint64_t c[WORDS], go[WORDS];
};

static inline __u64 walk_word(const struct walk *w, __u64 address)
{
	const struct memory *m = w->memory;

	if (address - C_STACK < sizeof(m->c))
		return m->c[(address - C_STACK) / 8];
	if (address - GO_STACK < sizeof(m->go))
		return m->go[(address - GO_STACK) / 8];
	return 0;
}

/* A C function without a frame pointer; its caller in Go; two more. */
static const struct memory stacks = {
	.c = { [2] = GO_STACK + 16 /* rbp */, [3] = 0x401000 /* asmcgocall */ },
	.go = { [2] = GO_STACK + 48, [3] = 0x402000, [6] = 0, [7] = 0x403000 },
};
static const struct frame_rule of_c = {
	.base = FRAME_SP, .cfa_offset = 32, .bp = FRAME_BP_AT_CFA, .bp_offset = -16
};
static const struct frame_rule of_go = { .base = FRAME_GO };

static void test_from_c_to_go(void **state)
{
	struct walk w = { .pc = 0x500000, .sp = C_STACK, .bp = 7, .memory = &stacks };

	assert_true(walk_leave(&w, &of_c));
	assert_int_equal(w.pc, 0x401000);
	assert_int_equal(w.bp, GO_STACK + 16);
	assert_false(w.go);
	assert_true(walk_leave(&w, &of_go));
	assert_int_equal(w.pc, 0x402000);
	assert_true(w.go);
	assert_true(walk_leave(&w, &of_go));
	assert_int_equal(w.pc, 0x403000);
	assert_false(walk_leave(&w, &of_go));
}

/* Once there, the stack only shrinks. */
static void test_a_circle_ends(void **state)
{
	struct memory circle = stacks;
	struct walk w = { .pc = 0x401000, .sp = C_STACK, .bp = GO_STACK + 16, .memory = &circle };

	circle.go[2] = GO_STACK + 16;
	assert_true(walk_leave(&w, &of_go));
	assert_false(walk_leave(&w, &of_go));
}

/* What is not in memory, as where only a copy of the C stack is. */
static void test_no_way_on(void **state)
{
	struct walk w = { .pc = 0x401000, .sp = C_STACK, .bp = 1 << 20, .memory = &stacks };

	assert_false(walk_leave(&w, &of_go));
	w = (struct walk){ .pc = 0x401000, .sp = C_STACK, .memory = &stacks };
	assert_false(walk_leave(&w, &of_go));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_c_to_go),
		cmocka_unit_test(test_a_circle_ends),
		cmocka_unit_test(test_no_way_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
