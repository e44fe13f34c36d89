// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "agent/base/cleanup.h"
#include "agent/top/detail.h"
#include "agent/top/plain.h"
#include "agent/top/status.h"
#include "agent/top/table.h"

static void write_table(const struct rows *list, FILE *to)
{
	struct table t = { 0 };
	char line[TABLE_LINE_MAX];

	table_layout(&t, list->rows, list->n, 0);
	table_header(&t, line);
	fprintf(to, "%s\n", line);
	for (size_t i = 0; i < list->n; i++) {
		table_row(&t, &list->rows[i], line);
		fprintf(to, "%s\n", line);
	}
}

static void write_status(const struct watch *w, const struct rows *list, FILE *to)
{
	char line[STATUS_MAX];

	status_headline(w, list, line, sizeof(line));
	fprintf(to, "%s\n", line);
	status_watching(w, list, line, sizeof(line));
	fprintf(to, "%s\n\n", line);
}

static void write_troubles(const struct watch *w, const struct rows *list, FILE *to)
{
	char line[STATUS_MAX];

	status_troubles(w, list, line, sizeof(line));
	if (*line)
		fprintf(to, "\n%s\n", line);
}

int plain_write(const struct watch *w, const struct rows_options *o, FILE *to)
{
	_cleanup_(rows_free) struct rows list = { 0 };
	const struct model_process *p = o->pid ? model_find(watch_model(w), o->pid) : NULL;
	int r = rows_build(&list, watch_model(w), o);

	if (r < 0)
		return r;
	write_status(w, &list, to);
	if (p)
		detail_write(watch_model(w), p, to);
	else
		write_table(&list, to);
	write_troubles(w, &list, to);
	return fflush(to) || ferror(to) ? -EIO : 0;
}
