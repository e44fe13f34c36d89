// SPDX-License-Identifier: GPL-2.0-only
/* DWARF expressions: the forms that compilers and libc write, and those that only enemies do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dwarf.h>

#include "agent/base/cleanup.h"
#include "agent/sites/expression.h"

#define CFA 0x1000

static const uint64_t registers[STACK_REGISTERS] = { [STACK_RSP] = 0x100, [STACK_RIP] = 0x40000b };

/* Memory holds at each address the double of it; there is none above 0x10000. */
static int read_double(const void *memory, uint64_t address, size_t size, uint64_t *ret)
{
	if (address > 0x10000)
		return -EFAULT;
	*ret = size == 8 ? 2 * address : (2 * address) & ((1ull << 8 * size) - 1);
	return 0;
}

static int run(const Dwarf_Op *ops, size_t n, uint64_t *ret, bool *ret_is_value)
{
	static const uint64_t cfa = CFA;
	struct expression_context c = { .registers = registers, .cfa = &cfa, .read = read_double };

	return expression_evaluate(&c, ops, n, ret, ret_is_value);
}

static void expect(const Dwarf_Op *ops, size_t n, uint64_t expected, bool expected_value)
{
	uint64_t result = 0;
	bool is_value;

	assert_int_equal(run(ops, n, &result, &is_value), 0);
	assert_int_equal(result, expected);
	assert_int_equal(is_value, expected_value);
}

#define EXPECT(expected, is_value, ...)                                                            \
	do {                                                                                       \
		const Dwarf_Op ops[] = { __VA_ARGS__ };                                            \
		expect(ops, ARRAY_SIZE(ops), (expected), (is_value));                              \
	} while (0)

#define EXPECT_FAILURE(...)                                                                        \
	do {                                                                                       \
		const Dwarf_Op ops[] = { __VA_ARGS__ };                                            \
		uint64_t result;                                                                   \
		bool is_value;                                                                     \
		assert_int_equal(run(ops, ARRAY_SIZE(ops), &result, &is_value), -EINVAL);          \
	} while (0)

#define OP(name)                                                                                   \
	{                                                                                          \
		.atom = DW_OP_##name                                                               \
	}
#define OP1(name, argument)                                                                        \
	{                                                                                          \
		.atom = DW_OP_##name, .number = (Dwarf_Word)(argument)                             \
	}

/* The linker's rule for .plt: CFA = rsp + 8 + ((rip & 15) >= 11) * 8. */
static void test_plt(void **state)
{
	EXPECT(0x110, false, OP1(breg7, 8), OP1(breg16, 0), OP(lit15), OP(and), OP(lit11), OP(ge),
	       OP(lit3), OP(shl), OP(plus));
}

/* libc's rules of a signal's return: the registers lie in the kernel's frame. */
static void test_signal_return(void **state)
{
	EXPECT(2 * (0x100 + 160), false, OP1(breg7, 160), OP(deref));
	EXPECT(0x100 + 40, false, OP(call_frame_cfa), OP(drop), OP1(breg7, 40));
}

static void test_operations(void **state)
{
	EXPECT(CFA - 16, false, OP(call_frame_cfa), OP1(plus_uconst, -16));
	EXPECT(CFA, true, OP(call_frame_cfa), OP(stack_value));
	EXPECT(0x100, true, OP(reg7));
	EXPECT(0x108, false, { .atom = DW_OP_bregx, .number = 7, .number2 = 8 });
	EXPECT(0x10, false, OP1(const1u, 0x108), OP1(deref_size, 1));
	EXPECT((uint64_t)-1, false, OP1(consts, -4), OP(lit2), OP(shra));
	EXPECT(3, false, OP(lit1), OP(lit2), OP(lit3), OP(rot), OP(drop), OP(drop));
	EXPECT(7, false, OP(lit9), OP(lit2), OP(swap), OP(over), OP(minus), OP(neg), OP(drop),
	       OP(lit7));
	EXPECT(1, false, OP1(consts, -1), OP(lit0), OP(lt));
	EXPECT(0, false, OP(lit1), OP1(const1u, 64), OP(shl));
}

/* Offsets as libdw gives them: a branch has three bytes, a literal one. */
static void test_branches(void **state)
{
	EXPECT(5, false, { .atom = DW_OP_lit1, .offset = 0 },
	       { .atom = DW_OP_bra, .number = 1, .offset = 1 }, { .atom = DW_OP_lit9, .offset = 4 },
	       { .atom = DW_OP_lit5, .offset = 5 });
	EXPECT(9, false, { .atom = DW_OP_lit9, .offset = 0 },
	       { .atom = DW_OP_skip, .number = 1, .offset = 1 },
	       { .atom = DW_OP_lit5, .offset = 4 }, { .atom = DW_OP_nop, .offset = 5 });
}

static void test_failures(void **state)
{
	Dwarf_Op many[80];
	uint64_t result;
	bool is_value;

	EXPECT_FAILURE({ .atom = DW_OP_skip, .number = (Dwarf_Word)-3 }); /* without end */
	EXPECT_FAILURE(OP(plus));
	EXPECT_FAILURE(OP(lit1), OP(plus));
	EXPECT_FAILURE(OP1(const8u, 0x20000), OP(deref));
	EXPECT_FAILURE(OP(lit1), OP1(deref_size, 3));
	EXPECT_FAILURE(OP1(breg31, 0));
	EXPECT_FAILURE(OP1(pick, 200));
	EXPECT_FAILURE(OP1(fbreg, 0));
	EXPECT_FAILURE(OP(lit1), OP(lit0), OP(div));
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (Dwarf_Op)OP(lit1);
	assert_int_equal(run(many, ARRAY_SIZE(many), &result, &is_value), -EINVAL);
	assert_int_equal(run(many, 0, &result, &is_value), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_plt),
					    cmocka_unit_test(test_signal_return),
					    cmocka_unit_test(test_operations),
					    cmocka_unit_test(test_branches),
					    cmocka_unit_test(test_failures) };

	return cmocka_run_group_tests_name("expression", tests, NULL, NULL);
}
