/* SPDX-License-Identifier: GPL-2.0-only */
/* Puts a view on the curses screen. */
#pragma once

#include "agent/top/table.h"
#include "agent/top/view.h"
#include "agent/top/watch.h"

struct draw {
	bool ascii; /* the terminal knows no UTF-8 */
	bool colors;
	struct table table;
	int columns; /* for which the table was laid out */
};

/* Colours are used where the terminal has them and NO_COLOR is not set; curses has been started. */
void draw_setup(struct draw *d, bool utf8);

/* The whole screen; sets the view's height. */
void draw_view(struct draw *d, struct view *v, const struct watch *w);
