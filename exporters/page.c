// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/base/cleanup.h"
#include "exporters/page.h"

#define SUSPECTS 20
#define FULLEST	 20 /* rows of what is nearest to its bound */

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<title>seep</title>\n<style>\n"
	"body{font:15px/1.5 sans-serif;margin:2em auto;max-width:72em;padding:0 1em}\n"
	"table{border-collapse:collapse;margin-bottom:2em}\n"
	"th,td{padding:.2em .9em .2em 0;text-align:left;border-bottom:1px solid #ccc}\n"
	"td.n{text-align:right;font-variant-numeric:tabular-nums}\n"
	"</style>\n</head>\n<body>\n<h1>seep</h1>\n";

/* A text between tags or in a quoted attribute. */
static void add_text(struct buffer *b, const char *s)
{
	static const struct {
		char c;
		const char *entity;
	} entities[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" } };

	while (*s) {
		size_t plain = strcspn(s, "&<>\"");

		buffer_add(b, s, plain);
		s += plain;
		for (size_t i = 0; i < ARRAY_SIZE(entities); i++)
			if (*s == entities[i].c)
				buffer_add_string(b, entities[i].entity);
		s += *s != '\0';
	}
}

static void add_cell(struct buffer *b, const char *s)
{
	buffer_add_string(b, "<td>");
	add_text(b, s);
	buffer_add_string(b, "</td>");
}

static void add_number(struct buffer *b, const char *s)
{
	buffer_add_string(b, "<td class=\"n\">");
	add_text(b, s);
	buffer_add_string(b, "</td>");
}

static void add_amount(struct buffer *b, double value, enum seep_unit unit)
{
	char text[32] = "";

	if (isfinite(value))
		model_format_amount(value, unit, text, sizeof(text));
	add_number(b, text);
}

static void add_span(struct buffer *b, double seconds)
{
	char text[32] = "";

	if (isfinite(seconds))
		model_format_span(seconds, text, sizeof(text));
	add_number(b, text);
}

static void add_bound(struct buffer *b, const struct bound *bound, enum seep_unit unit)
{
	add_amount(b, bound->source == BOUND_NONE ? NAN : (double)bound->limit, unit);
	add_cell(b, bound_source_name(bound->source));
}

static void add_suspect(struct buffer *b, const struct suspect *s)
{
	const struct model_process *p = s->process;
	const struct slot_info *info = slot_info(s->slot);
	const struct model_cell *c = &p->cells[s->slot];
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", p->pid);
	buffer_add_string(b, "<tr>");
	add_cell(b, p->group ? p->group->name : "");
	add_cell(b, p->comm);
	add_number(b, pid);
	add_cell(b, info->resource);
	add_cell(b, info->kind ? info->kind : "");
	add_amount(b, (double)c->live, info->unit);
	add_amount(b, c->trend.rate_per_hour, info->unit);
	add_cell(b, verdict_name(c->trend.verdict));
	add_bound(b, &p->bounds[slot_bounded_by(s->slot)], info->unit);
	add_span(b, s->forecast.eta);
	buffer_add_string(b, "</tr>\n");
}

static void add_suspects(struct buffer *b, const struct model *m)
{
	struct suspect rows[SUSPECTS];
	size_t left, n = model_suspects(m, rows, SUSPECTS, &left);
	char sentence[512];

	buffer_add_string(b, "<h2>What grows, and who has nearly used up a bound</h2>\n");
	if (n == 0) {
		buffer_add_string(
			b, "<p>Nothing that has been watched for long enough, and nobody.</p>\n");
		return;
	}
	model_sentence(&rows[0], sentence, sizeof(sentence));
	buffer_add_string(b, "<p>");
	add_text(b, sentence);
	buffer_add_string(b, "</p>\n<table>\n<tr><th>group</th><th>process</th><th>pid</th>"
			     "<th>resource</th><th>kind</th><th>live</th><th>per hour</th>"
			     "<th>verdict</th><th>bound</th><th>set by</th><th>reached in</th>"
			     "</tr>\n");
	for (size_t i = 0; i < n; i++)
		add_suspect(b, &rows[i]);
	buffer_add_string(b, "</table>\n");
}

struct fullness {
	const struct model_group *group;
	enum seep_slot slot;
	double ratio;
};

/* Keep the fullest, the first of equals first. */
static void consider(struct fullness *rows, size_t *n, const struct fullness *f)
{
	size_t at = *n;

	while (at > 0 && rows[at - 1].ratio < f->ratio)
		at--;
	if (at == FULLEST)
		return;
	if (*n < FULLEST)
		++*n;
	memmove(&rows[at + 1], &rows[at], (*n - at - 1) * sizeof(*rows));
	rows[at] = *f;
}

static size_t find_fullest(const struct model *m, struct fullness *rows)
{
	size_t n = 0;

	model_for_each_group (m, g) {
		for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
			struct fullness f = { g, s, bound_ratio(&g->bounds[s]) };

			if (slot_is_total(s) && f.ratio > 0)
				consider(rows, &n, &f);
		}
	}
	return n;
}

static void add_fullest(struct buffer *b, const struct model *m)
{
	struct fullness rows[FULLEST];
	size_t n = find_fullest(m, rows);

	buffer_add_string(b, "<h2>What is nearest to its bound</h2>\n<table>\n<tr><th>group</th>"
			     "<th>processes</th><th>resource</th><th>live</th><th>bound used</th>"
			     "<th>bound</th><th>set by</th><th>full</th></tr>\n");
	for (size_t i = 0; i < n; i++) {
		const struct model_group *g = rows[i].group;
		const struct slot_info *info = slot_info(rows[i].slot);
		const struct bound *bound = &g->bounds[rows[i].slot];

		buffer_add_string(b, "<tr>");
		add_cell(b, g->name);
		add_amount(b, g->processes, UNIT_COUNT);
		add_cell(b, info->resource);
		add_amount(b, (double)g->cells[rows[i].slot].live, info->unit);
		add_amount(b, (double)bound->used, info->unit);
		add_bound(b, bound, info->unit);
		buffer_printf(b, "<td class=\"n\">%.0f %%</td></tr>\n", 100 * rows[i].ratio);
	}
	buffer_add_string(b, "</table>\n");
}

static void add_top(struct buffer *b, const struct model *m, const char *path)
{
	time_t seconds = (time_t)m->now;
	char when[32] = "";
	struct tm utc;

	if (gmtime_r(&seconds, &utc))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &utc);
	buffer_add_string(b, head);
	buffer_printf(b,
		      "<p>Version %s, %zu processes in %zu groups, census of %s.</p>\n"
		      "<p><a href=\"%s\">metrics</a> <a href=\"/-/healthy\">healthy</a> "
		      "<a href=\"/-/ready\">ready</a></p>\n",
		      SEEP_VERSION, m->n_processes, m->n_groups, when, path);
}

int page_write(const struct model *m, const char *path, struct buffer *out)
{
	add_top(out, m, path);
	add_suspects(out, m);
	add_fullest(out, m);
	buffer_add_string(out, "</body>\n</html>\n");
	return out->failed ? -ENOMEM : 0;
}
