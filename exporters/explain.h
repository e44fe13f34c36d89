/* SPDX-License-Identifier: GPL-2.0-only */
/* The faces of what explain found. Each writes all of it; 0 or -errno. */
#pragma once

#include <stdio.h>

#include "agent/model/finding.h"

typedef int (*explain_writer)(FILE *to, const struct findings *findings,
			      const struct explain_summary *summary);

/* An object a line and the summary last: exporters/explain_json.c. */
int explain_json_write(FILE *to, const struct findings *findings,
		       const struct explain_summary *summary);
/* A sentence and a stack a site, for people: exporters/explain_text.c. */
int explain_text_write(FILE *to, const struct findings *findings,
		       const struct explain_summary *summary);
/* profile.proto, compressed: exporters/pprof.c. */
int pprof_write(FILE *to, const struct findings *findings, const struct explain_summary *summary);
/* "outer;inner COUNT" lines of what lives: exporters/folded.c. */
int folded_write(FILE *to, const struct findings *findings, const struct explain_summary *summary);

/* Write one of them to a new file; logs one line on failure. */
int explain_write_file(const char *path, explain_writer writer, const struct findings *findings,
		       const struct explain_summary *summary);
