// SPDX-License-Identifier: GPL-2.0-only
#include <assert.h>
#include <math.h>
#include <string.h>

#include "exporters/exposition.h"

#define EXACT_LIMIT 9007199254740992.0 /* 2^53: a double below is exact as an integer */

#define X(id, name, type, unit, help, ...)                                                         \
	[METRIC_##id] = { name, METRIC_##type, METRIC_##unit, help, { __VA_ARGS__ } },
const struct metric metrics[METRIC_MAX] = { SEEP_METRICS(X) };
#undef X

static const char *const type_names[] = { "gauge", "counter", "info" };
static const char *const unit_names[] = { NULL, "bytes", "seconds" };

/* OpenMetrics calls the family without the suffix that its samples have. */
static size_t family_length(const struct metric *m, enum prometheus_format format)
{
	static const char *const suffixes[] = { "", "_total", "_info" };
	size_t len = strlen(m->name);

	return format == PROMETHEUS_OPENMETRICS ? len - strlen(suffixes[m->type]) : len;
}

static void add_meta(struct exposition *e, const struct metric *m, const char *what,
		     const char *value)
{
	buffer_add_string(e->out, what);
	buffer_add(e->out, m->name, family_length(m, e->format));
	buffer_add(e->out, " ", 1);
	buffer_add_string(e->out, value);
	buffer_add(e->out, "\n", 1);
}

static void start_family(struct exposition *e, const struct metric *m)
{
	bool open = e->format == PROMETHEUS_OPENMETRICS;
	/* Text 0.0.4 knows no infos: they are gauges that are always 1. */
	enum metric_type type = m->type == METRIC_INFO && !open ? METRIC_GAUGE : m->type;

	add_meta(e, m, "# TYPE ", type_names[type]);
	if (open && m->unit != METRIC_NONE)
		add_meta(e, m, "# UNIT ", unit_names[m->unit]);
	add_meta(e, m, "# HELP ", m->help);
}

/* Both formats quote a label value alike. The model has made it printable, so this is rare. */
static void add_quoted(struct buffer *b, const char *s)
{
	for (;;) {
		size_t plain = strcspn(s, "\\\"\n");

		buffer_add(b, s, plain);
		s += plain;
		if (!*s)
			return;
		buffer_add(b, *s == '\n' ? "\\n" : *s == '"' ? "\\\"" : "\\\\", 2);
		s++;
	}
}

static void add_labels(struct buffer *b, const struct metric *m, const char *const values[])
{
	for (size_t i = 0; m->labels[i]; i++) {
		assert(values[i]);
		buffer_add(b, i ? "," : "{", 1);
		buffer_add_string(b, m->labels[i]);
		buffer_add(b, "=\"", 2);
		add_quoted(b, values[i]);
		buffer_add(b, "\"", 1);
	}
	if (m->labels[0])
		buffer_add(b, "}", 1);
}

void exposition_sample(struct exposition *e, enum metric_id id, double value,
		       const char *const labels[])
{
	const struct metric *m = &metrics[id];

	if (!isfinite(value))
		return;
	if (e->family != id)
		start_family(e, m);
	e->family = id;
	buffer_add_string(e->out, m->name);
	add_labels(e->out, m, labels);
	buffer_add(e->out, " ", 1);
	if (fabs(value) < EXACT_LIMIT && value == trunc(value))
		buffer_add_int(e->out, (int64_t)value);
	else
		buffer_printf(e->out, "%.15g", value);
	buffer_add(e->out, "\n", 1);
}

void exposition_end(struct exposition *e)
{
	if (e->format == PROMETHEUS_OPENMETRICS)
		buffer_add_string(e->out, "# EOF\n");
}
