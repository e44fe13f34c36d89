/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a user probe on a function is cheap. The kernel does some instructions itself once the
 * probe was hit (arch/x86/kernel/uprobes.c: push, nop, jump, call); any other is run out of line
 * and costs a second trap, four times as much where traps are dear. Runs in the reader child.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * How many bytes of the function's code to pass over: only instructions that change no argument
 * and not the stack pointer. -ENODATA when no cheap one follows them.
 */
int probe_point(const uint8_t *code, size_t size);
