/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text in columns of a terminal: how wide a string shows, and cut to fit. Strings are valid,
 * printable UTF-8, as the model's escape makes them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Make widths known: takes the character set of the environment, or for widths alone C.UTF-8. True
 * when the terminal shows UTF-8.
 */
bool cell_setup(void);

/* Columns that the string takes. */
size_t cell_width(const char *text);

/*
 * Write the text so that it takes exactly `width` columns: cut with a '~' at the end, or filled
 * with blanks on the right (left for right-aligned). Returns the bytes written; dst holds at least
 * 4 * width + 1.
 */
size_t cell_fit(char *dst, const char *text, size_t width, bool right);

/* Bytes of the text that fit into a line of so many columns, ended at a blank if there is one. */
size_t cell_wrap(const char *text, size_t width);

/* Replace in place what is not ASCII by '?', one a character: for terminals that know no more. */
void cell_ascii(char *text);

/* "[####    ]" without brackets: share of 1 in so many columns. */
void cell_bar(char *dst, double share, size_t width);
