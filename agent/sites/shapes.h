/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stacks that were unwound before. The frames of a call path lie at the same distances from the
 * stack pointer each time, since all but a few functions have frames of fixed size. So a copy that
 * begins at the same pc and holds the same return addresses at the same places is the same stack,
 * and needs no reader: by induction, each frame's rule finds the address at the place where it was.
 * A frame of another size (alloca) has its addresses elsewhere and is not taken for the same.
 *
 * What is remembered is bounded: a new shape replaces another of its bucket.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/lib/stack.h"

struct shapes;

int shapes_new(struct shapes **ret);
void shapes_free(struct shapes *s);

/* Remember how a copy was unwound, completely and without a guess, into n addresses. */
void shapes_learn(struct shapes *s, const struct stack_copy *stack, const uint64_t *pcs, size_t n);

/* The addresses of a copy that looks like one before; *ret_pcs is valid until the next learn. */
bool shapes_find(const struct shapes *s, const struct stack_copy *stack, const uint64_t **ret_pcs,
		 size_t *ret_n);

/* The process runs another program. */
void shapes_clear(struct shapes *s);
