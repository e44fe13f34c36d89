// SPDX-License-Identifier: GPL-2.0-only
#include <curses.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/top/detail.h"
#include "agent/top/view.h"

#define KEY_ESCAPE 27

static const char help[] =
	"A row is what a process (or a group) holds of one resource.\n"
	"\n"
	"  Enter    all of the process, or the processes of the group\n"
	"  Esc      back\n"
	"  s        next order: growth (the most urgent first), live, share, name\n"
	"  g        groups or processes\n"
	"  /        only names that contain a text\n"
	"  a        kernel threads and idle rows too\n"
	"  p        pause\n"
	"  q        back, and from the list quit\n"
	"\n"
	"%        share of the bound in use, by all who share the bound\n"
	"RATE/h   what it gains an hour, over the last window\n"
	"VERDICT  growing or leaking: it rises window after window; warming: it rises,\n"
	"         too early to tell; births: birth times of threads tell of growth\n"
	"ETA      when the bound is reached at this rate\n"
	"OLDEST   age of the oldest, at least\n";

int view_new(const struct rows_options *o, struct view **ret)
{
	struct view *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->options = *o;
	if (o->text)
		snprintf(v->filter, sizeof(v->filter), "%s", o->text);
	*ret = v;
	return 0;
}

void view_free(struct view *v)
{
	if (!v)
		return;
	rows_free(&v->rows);
	free(v->text);
	free(v);
}

static struct row_identity identify(const struct row *r)
{
	const struct holder *h = &r->holder;

	return (struct row_identity){ h->process ? h->process->pid : 0,
				      h->group ? (const void *)h->group : h->netns,
				      slot_bounded_by(r->slot) };
}

static bool same_identity(struct row_identity a, struct row_identity b)
{
	return a.pid == b.pid && a.other == b.other && a.total == b.total;
}

static void follow(struct view *v)
{
	for (size_t i = 0; v->follow && i < v->rows.n; i++) {
		if (same_identity(identify(&v->rows.rows[i]), v->at)) {
			v->cursor = i;
			return;
		}
	}
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; text && *text; text++)
		n += *text == '\n';
	return n;
}

void view_resize(struct view *v, size_t height)
{
	size_t lines = count_lines(v->text);

	v->height = height;
	if (v->cursor >= v->rows.n)
		v->cursor = v->rows.n ? v->rows.n - 1 : 0;
	if (v->offset > v->cursor)
		v->offset = v->cursor;
	if (height && v->cursor >= v->offset + height)
		v->offset = v->cursor - height + 1;
	if (v->scroll + height > lines)
		v->scroll = lines > height ? lines - height : 0;
	if (v->rows.n)
		v->at = identify(&v->rows.rows[v->cursor]);
}

static int write_page(struct view *v, const struct model *m)
{
	const struct model_process *p =
		v->page == PAGE_DETAIL ? model_find(m, v->detail_pid) : NULL;
	char *text = NULL;
	size_t size;
	FILE *to;

	if (v->page == PAGE_LIST)
		return 0;
	to = open_memstream(&text, &size);
	if (!to)
		return -ENOMEM;
	if (v->page == PAGE_HELP)
		fputs(help, to);
	else if (p)
		detail_write(m, p, to);
	else
		fprintf(to, "Process %d has ended.\n", v->detail_pid);
	if (fclose(to)) {
		free(text);
		return -ENOMEM;
	}
	free(v->text);
	v->text = text;
	return 0;
}

int view_update(struct view *v, const struct model *m)
{
	int r;

	v->options.text = *v->filter ? v->filter : NULL;
	v->options.group = *v->group ? v->group : NULL;
	r = rows_build(&v->rows, m, &v->options);
	if (r < 0)
		return r;
	follow(v);
	r = write_page(v, m);
	view_resize(v, v->height);
	return r;
}

/* Move by rows in the list, by lines in a text. */
static void move_by(struct view *v, long by)
{
	size_t *at = v->page == PAGE_LIST ? &v->cursor : &v->scroll;

	*at = by < 0 && *at < (size_t)-by ? 0 : *at + (size_t)by;
	v->follow = v->page == PAGE_LIST;
	view_resize(v, v->height);
	/* At the top one looks for whoever is the worst, not for one row. */
	if (v->cursor == 0)
		v->follow = false;
}

static bool move_key(struct view *v, int key)
{
	long page = v->height > 1 ? (long)v->height - 1 : 1;

	switch (key) {
	case KEY_UP:
	case 'k':
		move_by(v, -1);
		return true;
	case KEY_DOWN:
	case 'j':
		move_by(v, 1);
		return true;
	case KEY_PPAGE:
		move_by(v, -page);
		return true;
	case KEY_NPAGE:
		move_by(v, page);
		return true;
	case KEY_HOME:
		move_by(v, -(1L << 30));
		return true;
	case KEY_END:
		move_by(v, 1L << 30);
		return true;
	}
	return false;
}

static void show_page(struct view *v, enum view_page page)
{
	v->page = page;
	v->scroll = 0;
}

/* A process opens as a page, a group as the rows of its processes. */
static void open_row(struct view *v)
{
	const struct row *r = v->cursor < v->rows.n ? &v->rows.rows[v->cursor] : NULL;

	if (!r || v->page != PAGE_LIST)
		return;
	if (r->holder.process) {
		v->detail_pid = r->holder.process->pid;
		show_page(v, PAGE_DETAIL);
	} else if (r->holder.group) {
		snprintf(v->group, sizeof(v->group), "%s", r->holder.group->name);
		v->options.by_group = false;
		v->cursor = 0;
	}
}

/* One step back: from a page to the list, from a group to all groups, from a filter to all. */
static void go_back(struct view *v)
{
	if (v->page != PAGE_LIST) {
		show_page(v, PAGE_LIST);
	} else if (*v->group) {
		*v->group = '\0';
		v->options.by_group = true;
	} else {
		*v->filter = '\0';
	}
}

static void edit_key(struct view *v, int key)
{
	size_t len = strlen(v->filter);

	if (key == KEY_ESCAPE) {
		memcpy(v->filter, v->before, sizeof(v->filter));
		v->editing = false;
	} else if (key == '\n' || key == '\r' || key == KEY_ENTER) {
		v->editing = false;
	} else if (key == KEY_BACKSPACE || key == 127 || key == '\b') {
		while (len && (v->filter[--len] & 0xc0) == 0x80)
			;
		v->filter[len] = '\0';
	}
}

bool view_type(struct view *v, const char *utf8)
{
	size_t len = strlen(v->filter);

	if (!v->editing || (unsigned char)*utf8 < ' ' || *utf8 == 127)
		return false;
	if (len + strlen(utf8) < sizeof(v->filter))
		memcpy(v->filter + len, utf8, strlen(utf8) + 1);
	return true;
}

static void start_editing(struct view *v)
{
	show_page(v, PAGE_LIST);
	memcpy(v->before, v->filter, sizeof(v->before));
	v->editing = true;
}

/* Keys that change what is listed or which page is shown. */
static void command_key(struct view *v, int key)
{
	switch (key) {
	case 's':
		v->options.sort = (v->options.sort + 1) % SORT_MAX;
		return;
	case 'g':
		v->options.by_group = !v->options.by_group;
		*v->group = '\0';
		v->cursor = 0;
		return;
	case 'a':
		v->options.all = !v->options.all;
		return;
	case '/':
		return start_editing(v);
	case 'h':
	case '?':
		return show_page(v, PAGE_HELP);
	case '\n':
	case '\r':
	case KEY_ENTER:
		return open_row(v);
	case KEY_ESCAPE:
	case KEY_LEFT:
	case KEY_BACKSPACE:
		return go_back(v);
	}
}

bool view_key(struct view *v, int key, bool *ret_update)
{
	if (!v->editing && key == 'q') {
		if (v->page == PAGE_LIST)
			return false;
		go_back(v);
		return true;
	}
	if (v->editing) {
		edit_key(v, key);
	} else if (key == 'p' || key == ' ') {
		v->paused = !v->paused;
		return true;
	} else if (move_key(v, key)) {
		return true;
	} else {
		command_key(v, key);
	}
	*ret_update = true;
	return true;
}
