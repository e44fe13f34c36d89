// SPDX-License-Identifier: GPL-2.0-only
/* A stack is known again by its addresses and their places, and by nothing less. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sites/shapes.h"

static const uint64_t pcs[] = { 0x1000, 0x2000, 0x3000 };

static void put(struct stack_copy *stack, uint32_t place, uint64_t word)
{
	memcpy(stack->bytes + place, &word, sizeof(word));
}

/* pcs[1] at 16, pcs[2] at 64. */
static struct stack_copy *a_stack(void)
{
	static struct stack_copy stack;

	memset(&stack, 0, sizeof(stack));
	stack.regs[STACK_RIP] = pcs[0];
	stack.size = 128;
	put(&stack, 16, pcs[1]);
	put(&stack, 64, pcs[2]);
	return &stack;
}

static bool known(const struct shapes *s, const struct stack_copy *stack)
{
	const uint64_t *found;
	size_t n;

	if (!shapes_find(s, stack, &found, &n))
		return false;
	assert_int_equal(n, 3);
	assert_memory_equal(found, pcs, sizeof(pcs));
	return true;
}

static int setup(void **state)
{
	struct shapes *s;

	if (shapes_new(&s) < 0)
		return -1;
	shapes_learn(s, a_stack(), pcs, 3);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	shapes_free(*state);
	return 0;
}

static void test_the_same_stack_is_known(void **state)
{
	struct stack_copy *stack = a_stack();

	assert_true(known(*state, stack));
	put(stack, 32, 0xdead); /* a local variable */
	stack->regs[STACK_RSP] = 0x7000;
	assert_true(known(*state, stack));
}

static void test_another_caller_is_not_known(void **state)
{
	struct stack_copy *stack = a_stack();

	put(stack, 64, 0x3001);
	assert_false(known(*state, stack));
}

static void test_a_larger_frame_is_not_known(void **state)
{
	struct stack_copy *stack = a_stack();

	put(stack, 64, 0);
	put(stack, 80, pcs[2]);
	assert_false(known(*state, stack));
}

static void test_another_pc_is_not_known(void **state)
{
	struct stack_copy *stack = a_stack();

	stack->regs[STACK_RIP] = 0x1002;
	assert_false(known(*state, stack));
}

static void test_a_shorter_copy_is_not_known(void **state)
{
	struct stack_copy *stack = a_stack();

	stack->size = 64;
	assert_false(known(*state, stack));
}

static void test_cleared_is_not_known(void **state)
{
	shapes_clear(*state);
	assert_false(known(*state, a_stack()));
}

/* More shapes than there are places: the youngest is known, and memory stays bounded. */
static void test_the_youngest_is_known(void **state)
{
	struct stack_copy *stack = a_stack();
	uint64_t other[] = { 0x1000, 0x2000, 0 };
	const uint64_t *found;
	size_t n;

	for (uint64_t i = 1; i < 100; i++) {
		other[2] = 0x4000 + i;
		put(stack, 64, other[2]);
		shapes_learn(*state, stack, other, 3);
		assert_true(shapes_find(*state, stack, &found, &n));
		assert_int_equal(found[2], other[2]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_same_stack_is_known),	TEST(test_another_caller_is_not_known),
		TEST(test_a_larger_frame_is_not_known), TEST(test_another_pc_is_not_known),
		TEST(test_a_shorter_copy_is_not_known), TEST(test_cleared_is_not_known),
		TEST(test_the_youngest_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
