// SPDX-License-Identifier: GPL-2.0-only
#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/base/cleanup.h"
#include "agent/top/cell.h"
#include "agent/top/draw.h"
#include "agent/top/status.h"

#define HEADLINE_LINES 3
#define MOST_COLUMNS   1000
#define SHARE_WARNS    0.8

enum { COLORS_PLAIN, COLORS_ALARM, COLORS_WARN, COLORS_QUIET };

void draw_setup(struct draw *d, bool utf8)
{
	const char *no_color = getenv("NO_COLOR");

	*d = (struct draw){ .ascii = !utf8 };
	if ((no_color && *no_color) || !has_colors())
		return;
	d->colors = start_color() == OK && use_default_colors() == OK;
	init_pair(COLORS_ALARM, COLOR_RED, -1);
	init_pair(COLORS_WARN, COLOR_YELLOW, -1);
	init_pair(COLORS_QUIET, COLOR_CYAN, -1);
}

static attr_t color(const struct draw *d, short pair)
{
	return d->colors ? (attr_t)COLOR_PAIR(pair) : A_NORMAL;
}

/* One line, filled to the edge, so that a reversed one is a bar. */
static void put_line(const struct draw *d, int y, const char *text, attr_t attributes)
{
	char copy[TABLE_LINE_MAX], line[4 * MOST_COLUMNS + 1];
	size_t width = (size_t)(COLS < MOST_COLUMNS ? COLS : MOST_COLUMNS);

	if (y < 0 || y >= LINES)
		return;
	snprintf(copy, sizeof(copy), "%s", text);
	if (d->ascii)
		cell_ascii(copy);
	cell_fit(line, copy, width, false);
	attrset(attributes);
	mvaddstr(y, 0, line);
	attrset(A_NORMAL);
}

static short row_color(const struct row *r)
{
	if (row_verdict(r) >= VERDICT_GROWING || row_nearly_full(r))
		return COLORS_ALARM;
	if (row_warms(r) || r->births > 0 || r->weight >= SHARE_WARNS)
		return COLORS_WARN;
	return COLORS_PLAIN;
}

/* Wrapped; returns the lines that it took. */
static int draw_headline(const struct draw *d, const struct view *v, const struct watch *w)
{
	const struct row *worst = rows_worst(&v->rows);
	attr_t attributes = A_BOLD | (worst ? color(d, row_color(worst)) : 0);
	char text[STATUS_MAX], line[STATUS_MAX];
	const char *at = text;
	int y = 0;

	status_headline(w, &v->rows, text, sizeof(text));
	for (; *at && y < HEADLINE_LINES; y++) {
		size_t n = y + 1 < HEADLINE_LINES ? cell_wrap(at, (size_t)COLS) : strlen(at);

		snprintf(line, sizeof(line), "%.*s", (int)n, at);
		put_line(d, y, line, attributes);
		at += n + strspn(at + n, " ");
	}
	return y;
}

static void draw_status(const struct draw *d, const struct view *v, const struct watch *w, int y)
{
	const struct model *m = watch_model(w);
	char watching[STATUS_MAX], text[2 * STATUS_MAX], clock[16] = "";
	time_t now = (time_t)m->now;
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(clock, sizeof(clock), "%T", &tm);
	status_watching(w, &v->rows, watching, sizeof(watching));
	snprintf(text, sizeof(text), "%s%s by %s%s%s%s%s%s; %zu processes, %s",
		 v->paused ? "PAUSED " : "", clock, rows_sort_name(v->options.sort),
		 v->options.all ? ", all" : "", *v->group ? ", of " : "", v->group,
		 *v->filter ? ", with " : "", v->filter, m->n_processes, watching);
	put_line(d, y, text, color(d, COLORS_QUIET));
}

static void draw_list(struct draw *d, const struct view *v, int y)
{
	size_t end = v->offset + v->height < v->rows.n ? v->offset + v->height : v->rows.n;
	char line[TABLE_LINE_MAX];

	if (d->columns != COLS)
		d->table = (struct table){ 0 };
	d->columns = COLS;
	table_layout(&d->table, v->rows.rows + v->offset, end - v->offset, (size_t)COLS);
	table_header(&d->table, line);
	put_line(d, y++, line, A_REVERSE);
	for (size_t i = v->offset; i < end; i++) {
		const struct row *r = &v->rows.rows[i];

		table_row(&d->table, r, line);
		put_line(d, y++, line, color(d, row_color(r)) | (i == v->cursor ? A_REVERSE : 0));
	}
}

static void draw_text(const struct draw *d, const struct view *v, int y)
{
	const char *at = v->text ? v->text : "";
	char line[TABLE_LINE_MAX];

	for (size_t i = 0; *at && i < v->scroll + v->height; i++) {
		size_t n = strcspn(at, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, at);
		if (i >= v->scroll)
			put_line(d, y++, line, A_NORMAL);
		at += n + (at[n] == '\n');
	}
}

static void draw_footer(const struct draw *d, const struct view *v, const char *troubles)
{
	char line[TABLE_LINE_MAX];

	if (*troubles)
		put_line(d, LINES - 2, troubles, color(d, COLORS_WARN));
	if (v->editing) {
		snprintf(line, sizeof(line), "only names that contain: %s_", v->filter);
		put_line(d, LINES - 1, line, A_BOLD);
	} else if (v->page == PAGE_LIST) {
		put_line(d, LINES - 1,
			 "q quit  h help  Enter open  s sort  / filter  g groups  a all  p pause",
			 A_DIM);
	} else {
		put_line(d, LINES - 1, "Esc back  up, down, page up, page down scroll", A_DIM);
	}
}

void draw_view(struct draw *d, struct view *v, const struct watch *w)
{
	char troubles[STATUS_MAX];
	int top, below;

	erase();
	status_troubles(w, &v->rows, troubles, sizeof(troubles));
	top = draw_headline(d, v, w);
	draw_status(d, v, w, top++);
	below = 1 + (*troubles != '\0');
	top += v->page == PAGE_LIST; /* the table's header */
	view_resize(v, LINES - top > below ? (size_t)(LINES - top - below) : 0);
	if (v->page == PAGE_LIST)
		draw_list(d, v, top - 1);
	else
		draw_text(d, v, top);
	draw_footer(d, v, troubles);
	refresh();
}
