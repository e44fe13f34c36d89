/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows as lines of text with columns of one width, for the live view and for pipes. What a narrow
 * terminal has no room for is left out, the least important column first.
 */
#pragma once

#include "agent/top/rows.h"

enum table_column {
	COLUMN_NAME,
	COLUMN_PID,
	COLUMN_RESOURCE,
	COLUMN_KIND,
	COLUMN_LIVE,
	COLUMN_BOUND,
	COLUMN_SHARE,
	COLUMN_BAR,
	COLUMN_RATE,
	COLUMN_VERDICT,
	COLUMN_ETA,
	COLUMN_OLDEST,
	COLUMN_MAX
};

#define TABLE_LINE_MAX 4096

struct table {
	size_t widths[COLUMN_MAX]; /* 0: left out */
	size_t wanted[COLUMN_MAX]; /* by all rows so far */
};

/*
 * Choose widths for these rows on so many columns; 0 for no limit. Widths never shrink from call to
 * call of the same limit, so that a live table does not jump.
 */
void table_layout(struct table *t, const struct row *rows, size_t n, size_t limit);
/* Lines of at most TABLE_LINE_MAX bytes, without trailing blanks. */
void table_header(const struct table *t, char *dst);
void table_row(const struct table *t, const struct row *r, char *dst);
