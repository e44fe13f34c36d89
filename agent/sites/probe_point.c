// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "agent/sites/probe_point.h"

#define CODE_MIN  8		       /* bytes that are looked at from one instruction on */
#define PASS_MAX  3		       /* instructions */
#define REX_W(b)  (((b)&0xf8) == 0x48) /* a 64-bit operation, registers of either half */
#define MODRM_REG 0xc0		       /* both operands are registers */

static bool is_emulated(const uint8_t *c)
{
	if (c[0] == 0x41)
		return (c[1] & 0xf8) == 0x50;		  /* push r8..r15 */
	return (c[0] & 0xf8) == 0x50 ||			  /* push */
	       (c[0] & 0xf0) == 0x70 ||			  /* jcc, short */
	       (c[0] == 0x0f && (c[1] & 0xf0) == 0x80) || /* jcc, near */
	       c[0] == 0x90 || c[0] == 0xe8 || c[0] == 0xe9 || c[0] == 0xeb;
}

/* The length of an instruction that only compares or marks; 0 for any other. */
static size_t harmless(const uint8_t *c)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };

	if (memcmp(c, endbr64, sizeof(endbr64)) == 0)
		return 4;
	if (REX_W(c[0]) && c[1] == 0x85 && (c[2] & 0xc0) == MODRM_REG) /* test r, r */
		return 3;
	if (REX_W(c[0]) && c[1] == 0x83 && (c[2] & 0xf8) == 0xf8) /* cmp $imm8, r */
		return 4;
	if ((c[0] == 0x80 || c[0] == 0x83) && c[1] == 0x3d) /* cmpb, cmpl $imm8, disp(%rip) */
		return 7;
	return 0;
}

int probe_point(const uint8_t *code, size_t size)
{
	size_t at = 0;

	for (int passed = 0; passed <= PASS_MAX && at + CODE_MIN <= size; passed++) {
		size_t length = harmless(code + at);

		if (is_emulated(code + at))
			return (int)at;
		if (length == 0)
			break;
		at += length;
	}
	return -ENODATA;
}
