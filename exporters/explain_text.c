// SPDX-License-Identifier: GPL-2.0-only
/* For people: a sentence a site, what the mistake is where it is a known one, then the stack. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/mistake.h"
#include "exporters/explain.h"

#define FRAMES_SHOWN 24
#define SITES_SHOWN  10 /* and all that keep, but for objects of a Go heap */
#define KIB	     1024.0

static void write_bytes(FILE *to, double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;

	for (; bytes >= KIB && unit + 1 < ARRAY_SIZE(units); unit++)
		bytes /= KIB;
	fprintf(to, "%.*f %s", unit ? 1 : 0, bytes, units[unit]);
}

static void write_duration(FILE *to, double seconds)
{
	if (seconds < 120)
		fprintf(to, "%.0f s", seconds);
	else if (seconds < 2 * 3600)
		fprintf(to, "%.0f min", seconds / 60);
	else if (seconds < 2 * 86400)
		fprintf(to, "%.0f h", seconds / 3600);
	else
		fprintf(to, "%.0f days", seconds / 86400);
}

/* "fd eventfd", and where: "in make_leak() at leak.c:12". */
static void write_place(FILE *to, const struct finding *f)
{
	const struct site_frame *frame = finding_frame(f);
	const char *slash;

	fprintf(to, "%s%s%s", f->resource, f->kind ? " " : "", f->kind ? f->kind : "");
	if (*f->peer)
		fprintf(to, " at %s", f->peer);
	if (!frame) {
		fprintf(to, ", %s", f->reason ? f->reason : "of an unknown place");
		return;
	}
	if (*frame->function)
		fprintf(to, " in %s()", frame->function);
	else
		fprintf(to, " at %s+0x%" PRIx64, *frame->module ? frame->module : "?",
			frame->offset);
	slash = strrchr(frame->file, '/');
	if (*frame->file)
		fprintf(to, " at %s:%d", slash ? slash + 1 : frame->file, frame->line);
	if (f->reason)
		fprintf(to, ", %s", f->reason);
}

static void write_outlook(FILE *to, const struct finding *f)
{
	if (f->verdict != SITE_KEEPS || !(f->growth_per_hour > 0))
		return;
	fprintf(to, ", %+.0f an hour", f->growth_per_hour);
	if (f->growth_bytes_per_hour > 0) {
		fprintf(to, " (");
		write_bytes(to, f->growth_bytes_per_hour);
		fputc(')', to);
	}
	if (!f->bound)
		return;
	fprintf(to, "; %s is %" PRIu64, f->bound_source, f->bound);
	if (isnan(f->growth_bytes_per_hour) && f->bound > f->live) {
		fprintf(to, ", which this site alone would take in ");
		write_duration(to, (double)(f->bound - f->live) / f->growth_per_hour * 3600);
	}
}

static const char *verb(enum site_verdict verdict)
{
	switch (verdict) {
	case SITE_KEEPS:
		return "keeps";
	case SITE_RETURNS:
		return "gives back;";
	default:
		return "may keep";
	}
}

/* What is counted comes first; where nothing is kept, the counts would only distract. */
static void write_sentence(FILE *to, const struct finding *f)
{
	write_place(to, f);
	if (*f->evidence && !(f->verdict == SITE_KEEPS && f->created)) {
		fprintf(to, ": %s.\n", f->evidence);
		return;
	}
	if (!f->n_frames) {
		fprintf(to, ": %" PRIu64 " live", f->live);
	} else {
		fprintf(to, ": %s %" PRIu64 " of %" PRIu64, verb(f->verdict), f->live, f->created);
		if (f->sampled > 1)
			fprintf(to, " (estimated, 1 in %u was followed)", f->sampled);
	}
	if (f->live_bytes) {
		fprintf(to, ", ");
		write_bytes(to, (double)f->live_bytes);
	}
	if (!isnan(f->oldest)) {
		fprintf(to, ", oldest ");
		write_duration(to, f->oldest);
	}
	write_outlook(to, f);
	if (*f->evidence)
		fprintf(to, "; %s", f->evidence);
	fputs(".\n", to);
}

/* "  unbounded-map: what is put into it is not taken out again." */
static void write_mistake(FILE *to, const struct finding *f)
{
	const char *text = f->pattern ? mistake_text(f->pattern) : NULL;

	if (f->pattern)
		fprintf(to, "  %s%s%s.\n", f->pattern, text ? ": " : "", text ? text : "");
}

/* From the function that people look for outwards; what the C library did inside it is one word. */
static void write_stack(FILE *to, const struct finding *f)
{
	const struct site_frame *first = finding_frame(f);

	for (size_t i = 0; i < f->n_frames && i < FRAMES_SHOWN; i++) {
		const struct site_frame *frame = &f->frames[i];

		fprintf(to, "  %s ", frame == first ? ">" : " ");
		if (*frame->function)
			fprintf(to, "%-28s", frame->function);
		else
			fprintf(to, "0x%-26" PRIx64, frame->pc);
		if (*frame->file)
			fprintf(to, " %s:%d\n", frame->file, frame->line);
		else
			fprintf(to, " %s+0x%" PRIx64 "\n", *frame->module ? frame->module : "?",
				frame->offset);
	}
	if (f->n_frames > FRAMES_SHOWN)
		fprintf(to, "    and %zu more\n", f->n_frames - FRAMES_SHOWN);
	fputc('\n', to);
}

static void write_summary(FILE *to, const struct findings *findings,
			  const struct explain_summary *s)
{
	size_t keeps = 0;

	for (size_t i = 0; i < findings->n; i++)
		keeps += findings->rows[i].verdict == SITE_KEEPS;
	fprintf(to, "Watched process %d for %.1f s%s: %zu of %zu sites keep what they take.",
		s->pid, s->seconds,
		s->over_budget ? " (ended early: the budget was spent)"
		: s->ended     ? " (until it ended)"
			       : "",
		keeps, findings->n);
	fprintf(to, " It cost %.0f ms of CPU time (%.2f %%).\n", s->cost_seconds * 1000,
		s->seconds > 0 ? s->cost_seconds / s->seconds * 100 : 0);
	for (int reason = 0; reason < LOSS_REASON_MAX; reason++)
		if (s->lost[reason])
			fprintf(to, "Lost: %" PRIu64 " %s.\n", s->lost[reason],
				loss_reason_name((enum loss_reason)reason));
}

/* Of the objects that a leak keeps on the heap, many are parts of each other. */
static bool is_shown(const struct finding *f, size_t shown)
{
	return shown < SITES_SHOWN ||
	       (f->verdict == SITE_KEEPS && (f->pattern || strcmp(f->resource, "goheap") != 0));
}

int explain_text_write(FILE *to, const struct findings *findings,
		       const struct explain_summary *summary)
{
	size_t shown = 0;

	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *f = &findings->rows[i];

		if (!is_shown(f, shown))
			continue;
		write_sentence(to, f);
		write_mistake(to, f);
		write_stack(to, f);
		shown++;
	}
	if (shown < findings->n)
		fprintf(to, "And %zu more sites; --json shows all.\n\n", findings->n - shown);
	write_summary(to, findings, summary);
	return ferror(to) ? -EIO : 0;
}
