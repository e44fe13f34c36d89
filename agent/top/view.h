/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the live view shows and where the user is in it: keys change it, the screen draws it. Knows
 * nothing of a terminal but its size and the numbers of its keys.
 */
#pragma once

#include "agent/top/rows.h"

enum view_page { PAGE_LIST, PAGE_DETAIL, PAGE_HELP };

/* What a row is about, comparable after the model has changed: the pointer is never followed. */
struct row_identity {
	pid_t pid;
	const void *other; /* group or network namespace */
	enum seep_slot total;
};

struct view {
	struct rows_options options; /* its strings point to filter and group below */
	struct rows rows;
	size_t cursor, offset;	/* rows; offset is the first that is shown */
	bool follow;		/* the cursor was moved: it stays on its row */
	struct row_identity at; /* the row under the cursor */
	enum view_page page;
	pid_t detail_pid;
	char *text;    /* of the page, other than the list */
	size_t scroll; /* first line shown of it */
	size_t height; /* lines for rows or text, as the screen has them */
	bool paused, editing;
	char filter[128], before[128]; /* before: what Escape brings back */
	char group[512];
};

/* 0 or -ENOMEM. The options are copied, and of their strings the filter. */
int view_new(const struct rows_options *o, struct view **ret);
void view_free(struct view *v);

/* Take in a look, or a change of options. 0 or -ENOMEM. */
int view_update(struct view *v, const struct model *m);

/* The lines of height in which the cursor is to be seen; keeps it and the scrolling in range. */
void view_resize(struct view *v, size_t height);

/*
 * A key as curses numbers it, or a character. False when it means to quit. *ret_update tells that
 * view_update is to be called before the next drawing.
 */
bool view_key(struct view *v, int key, bool *ret_update);

/* A character typed into the filter, as UTF-8. True when it was taken. */
bool view_type(struct view *v, const char *utf8);
