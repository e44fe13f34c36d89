// SPDX-License-Identifier: GPL-2.0-only
/* Folded stacks, as flame graph tools read them: outermost first, what lives as the weight. */
#include <errno.h>
#include <inttypes.h>

#include "agent/base/cleanup.h"
#include "exporters/explain.h"

/* The format's two separators cannot be in a name. */
static void write_name(FILE *to, const char *name)
{
	for (; *name; name++)
		fputc(*name == ';' || *name == ' ' ? '_' : *name, to);
}

static void write_frame(FILE *to, const struct site_frame *f)
{
	if (*f->function)
		write_name(to, f->function);
	else
		fprintf(to, "0x%" PRIx64, f->pc);
}

int folded_write(FILE *to, const struct findings *findings, const struct explain_summary *summary)
{
	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *f = &findings->rows[i];

		if (!f->live)
			continue;
		fprintf(to, "%s%s%s", f->resource, f->kind ? "/" : "", f->kind ? f->kind : "");
		if (!f->n_frames && f->reason) {
			fputc(';', to);
			write_name(to, f->reason);
		}
		for (size_t k = f->n_frames; k > 0; k--) {
			fputc(';', to);
			write_frame(to, &f->frames[k - 1]);
		}
		fprintf(to, " %" PRIu64 "\n", f->live);
	}
	return ferror(to) ? -EIO : 0;
}
