// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/sentence.h"
#include "agent/top/cell.h"
#include "agent/top/table.h"

#define CELL_MAX   640
#define NAME_LEAST 16
#define NAME_MOST  56
#define BAR_WIDTH  8

/* The group, and the name of the process where the group does not end with it. */
static void write_name(const struct row *r, char *dst, size_t size)
{
	const struct model_process *p = r->holder.process;
	const char *tail;

	holder_name(&r->holder, dst, size);
	tail = strrchr(dst, '/');
	if (p && strcmp(tail ? tail + 1 : dst, p->comm) != 0)
		snprintf(dst + strlen(dst), size - strlen(dst), " (%s)", p->comm);
}

static void write_pid(const struct row *r, char *dst, size_t size)
{
	if (r->holder.process)
		snprintf(dst, size, "%d", r->holder.process->pid);
	else if (r->holder.group)
		snprintf(dst, size, "x%u", r->holder.group->processes);
}

static void write_share(const struct row *r, char *dst, size_t size)
{
	if (holder_bound(&r->holder, r->slot)->source != BOUND_NONE)
		snprintf(dst, size, "%.0f%%", 100 * r->share);
}

/* Birth times say a rate before there is a trend. */
static double shown_rate(const struct row *r)
{
	double rate = holder_cell(&r->holder, r->slot)->trend.rate_per_hour;

	return isnan(rate) ? r->births : rate;
}

static const char *shown_verdict(const struct row *r)
{
	enum verdict v = holder_cell(&r->holder, r->slot)->trend.verdict;

	return v == VERDICT_UNKNOWN ? isnan(r->births) ? "-" : "births" : verdict_name(v);
}

static void write_resource(const struct row *r, char *dst, size_t size)
{
	snprintf(dst, size, "%s", slot_info(r->slot)->resource);
}

static void write_kind(const struct row *r, char *dst, size_t size)
{
	const char *kind = slot_info(r->slot)->kind;

	snprintf(dst, size, "%s", kind ? kind : "");
}

static void write_live(const struct row *r, char *dst, size_t size)
{
	int64_t live = holder_cell(&r->holder, r->slot)->live;

	model_format_amount((double)live, slot_info(r->slot)->unit, dst, size);
}

static void write_bound(const struct row *r, char *dst, size_t size)
{
	const struct bound *b = holder_bound(&r->holder, r->slot);

	if (b->source == BOUND_NONE)
		snprintf(dst, size, "none");
	else
		model_format_amount((double)b->limit, slot_info(r->slot)->unit, dst, size);
}

static void write_bar(const struct row *r, char *dst, size_t size)
{
	cell_bar(dst, r->share, BAR_WIDTH);
}

static void write_rate(const struct row *r, char *dst, size_t size)
{
	if (!isnan(shown_rate(r)))
		model_format_amount(shown_rate(r), slot_info(r->slot)->unit, dst, size);
}

static void write_verdict(const struct row *r, char *dst, size_t size)
{
	snprintf(dst, size, "%s", shown_verdict(r));
}

static void write_eta(const struct row *r, char *dst, size_t size)
{
	if (!isnan(r->eta))
		model_format_span(r->eta, dst, size);
}

static void write_oldest(const struct row *r, char *dst, size_t size)
{
	double oldest = holder_cell(&r->holder, r->slot)->oldest;

	if (!isnan(oldest))
		model_format_span(oldest, dst, size);
}

static const struct column {
	const char *title;
	bool right;
	int importance; /* the least is left out first */
	void (*write)(const struct row *r, char *dst, size_t size); /* dst holds "" */
} columns[COLUMN_MAX] = {
	[COLUMN_NAME] = { "GROUP/COMM", false, 100, write_name },
	[COLUMN_PID] = { "PID", true, 90, write_pid },
	[COLUMN_RESOURCE] = { "RESOURCE", false, 95, write_resource },
	[COLUMN_KIND] = { "KIND", false, 70, write_kind },
	[COLUMN_LIVE] = { "LIVE", true, 95, write_live },
	[COLUMN_BOUND] = { "BOUND", true, 30, write_bound },
	[COLUMN_SHARE] = { "%", true, 60, write_share },
	[COLUMN_BAR] = { "", false, 10, write_bar },
	[COLUMN_RATE] = { "RATE/h", true, 85, write_rate },
	[COLUMN_VERDICT] = { "VERDICT", false, 80, write_verdict },
	[COLUMN_ETA] = { "ETA", true, 75, write_eta },
	[COLUMN_OLDEST] = { "OLDEST", true, 20, write_oldest },
};

static void write_cell(const struct row *r, enum table_column column, char *dst, size_t size)
{
	*dst = '\0';
	columns[column].write(r, dst, size);
}

static size_t max(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t line_width(const struct table *t)
{
	size_t width = 0;

	for (enum table_column c = 0; c < COLUMN_MAX; c++)
		if (t->widths[c])
			width += t->widths[c] + (width > 0);
	return width;
}

static enum table_column least_important(const struct table *t)
{
	enum table_column least = COLUMN_NAME;

	for (enum table_column c = 0; c < COLUMN_MAX; c++)
		if (t->widths[c] && columns[c].importance < columns[least].importance)
			least = c;
	return least;
}

/* The name gives way first, down to what can still be read; then columns go. */
static void narrow(struct table *t, size_t limit)
{
	size_t name = t->widths[COLUMN_NAME], others;

	t->widths[COLUMN_NAME] = name < NAME_LEAST ? name : NAME_LEAST;
	while (line_width(t) > limit && least_important(t) != COLUMN_NAME)
		t->widths[least_important(t)] = 0;
	others = line_width(t) - t->widths[COLUMN_NAME];
	t->widths[COLUMN_NAME] = limit > others + 1 ? limit - others : 1;
	if (t->widths[COLUMN_NAME] > name)
		t->widths[COLUMN_NAME] = name;
}

void table_layout(struct table *t, const struct row *rows, size_t n, size_t limit)
{
	for (enum table_column c = 0; c < COLUMN_MAX; c++) {
		t->wanted[c] = max(t->wanted[c], cell_width(columns[c].title));
		for (size_t i = 0; i < n; i++) {
			char cell[CELL_MAX];

			write_cell(&rows[i], c, cell, sizeof(cell));
			t->wanted[c] = max(t->wanted[c], cell_width(cell));
		}
		t->widths[c] = t->wanted[c];
	}
	if (t->widths[COLUMN_NAME] > NAME_MOST)
		t->widths[COLUMN_NAME] = NAME_MOST;
	if (limit)
		narrow(t, limit);
}

/* Add a cell to a line; dst is at the line's end and has room for the widest. */
static size_t add_cell(char *dst, const char *text, size_t width, bool right, bool first)
{
	size_t out = 0;

	if (!first)
		dst[out++] = ' ';
	return out + cell_fit(dst + out, text, width, right);
}

static void trim(char *line)
{
	size_t len = strlen(line);

	while (len && line[len - 1] == ' ')
		line[--len] = '\0';
}

void table_header(const struct table *t, char *dst)
{
	size_t out = 0;

	*dst = '\0';
	for (enum table_column c = 0; c < COLUMN_MAX; c++)
		if (t->widths[c])
			out += add_cell(dst + out, columns[c].title, t->widths[c], columns[c].right,
					!out);
	trim(dst);
}

void table_row(const struct table *t, const struct row *r, char *dst)
{
	size_t out = 0;

	*dst = '\0';
	for (enum table_column c = 0; c < COLUMN_MAX; c++) {
		char cell[CELL_MAX];

		if (!t->widths[c])
			continue;
		write_cell(r, c, cell, sizeof(cell));
		out += add_cell(dst + out, cell, t->widths[c], columns[c].right, !out);
	}
	trim(dst);
}
