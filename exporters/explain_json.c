// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>

#include <jansson.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/model/finding.h"
#include "exporters/explain.h"

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *text(const char *value)
{
	return value ? json_string(value) : json_null();
}

static json_t *stack(const struct finding *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_frames; i++) {
		const struct site_frame *frame = &f->frames[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:s, s:I}", "function",
						      frame->function, "file", frame->file, "line",
						      frame->line, "module", frame->module,
						      "offset", (json_int_t)frame->offset));
	}
	return list;
}

static json_t *also(const struct finding *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < FINDING_ALSO && f->also[i]; i++)
		json_array_append_new(list, json_string(f->also[i]));
	return list;
}

static json_t *finding(pid_t pid, const struct finding *f)
{
	json_t *o = json_pack("{s:i, s:i, s:s, s:o, s:o, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:o, "
			      "s:o, s:o, s:o, s:o}",
			      "schema", 1, "pid", pid, "resource", f->resource, "kind",
			      text(f->kind), "pattern", text(f->pattern), "also", also(f),
			      "verdict", site_verdict_name(f->verdict), "live", (json_int_t)f->live,
			      "live_bytes", (json_int_t)f->live_bytes, "created",
			      (json_int_t)f->created, "destroyed", (json_int_t)f->destroyed,
			      "sampled", (json_int_t)f->sampled, "growth_per_hour",
			      number(f->growth_per_hour), "oldest_seconds", number(f->oldest),
			      "bound", f->bound ? json_integer((json_int_t)f->bound) : json_null(),
			      "bound_source", text(f->bound_source), "stack", stack(f));

	if (o && *f->peer)
		json_object_set_new(o, "peer", json_string(f->peer));
	if (o && *f->evidence)
		json_object_set_new(o, "evidence", json_string(f->evidence));
	if (o && f->reason)
		json_object_set_new(o, "reason", json_string(f->reason));
	return o;
}

static json_t *summary_object(const struct explain_summary *s)
{
	json_t *lost = json_object();

	for (int reason = 0; reason < LOSS_REASON_MAX; reason++)
		if (s->lost[reason])
			json_object_set_new(lost, loss_reason_name((enum loss_reason)reason),
					    json_integer((json_int_t)s->lost[reason]));
	return json_pack("{s:i, s:{s:f, s:I, s:I, s:f, s:f, s:o}}", "schema", 1, "summary",
			 "seconds", s->seconds, "windows", (json_int_t)s->windows, "hits",
			 (json_int_t)s->hits, "cost_seconds", s->cost_seconds, "cost_ratio",
			 s->seconds > 0 ? s->cost_seconds / s->seconds : 0, "lost", lost);
}

/* Takes the object. */
static int write_line(FILE *to, json_t *o)
{
	int r = o ? json_dumpf(o, to, JSON_COMPACT | JSON_REAL_PRECISION(9)) : -1;

	json_decref(o);
	if (r < 0)
		return ferror(to) ? -EIO : -ENOMEM;
	return fputc('\n', to) == EOF ? -EIO : 0;
}

int explain_json_write(FILE *to, const struct findings *findings,
		       const struct explain_summary *summary)
{
	for (size_t i = 0; i < findings->n; i++) {
		int r = write_line(to, finding(summary->pid, &findings->rows[i]));

		if (r < 0)
			return r;
	}
	return write_line(to, summary_object(summary));
}

int explain_write_file(const char *path, explain_writer writer, const struct findings *findings,
		       const struct explain_summary *summary)
{
	_cleanup_fclose_ FILE *f = fopen(path, "we");
	int r;

	if (!f)
		return log_error(-errno, "cannot write '%s'", path);
	r = writer(f, findings, summary);
	if (r == 0 && fflush(f) != 0)
		r = -errno;
	return r < 0 ? log_error(r, "cannot write '%s'", path) : 0;
}
