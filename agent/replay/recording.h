/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recorded series, read from what people have: CSV with a header of `time_seconds,value[,bound]`,
 * or the answer of Prometheus to /api/v1/query_range (resultType "matrix"; its HTTP API document
 * gives the layout), which may hold several series.
 */
#pragma once

#include <stddef.h>

struct recording_point {
	double time;  /* seconds, rising */
	double value; /* finite */
	double bound; /* NAN when none is given */
};

struct recorded_series {
	char *name; /* labels as Prometheus writes them, escaped; NULL for CSV */
	struct recording_point *points;
	size_t n;
};

struct recording {
	struct recorded_series *series;
	size_t n;
};

#define RECORDING_ERROR 160 /* bytes that hold any message */

/*
 * Parse size bytes; the first that is no blank tells which format it is. 0, and the caller frees
 * *ret; or -EINVAL or -ENOMEM with a message of one line.
 */
int recording_parse(const char *text, size_t size, struct recording *ret,
		    char message[RECORDING_ERROR]);
void recording_free(struct recording *r);
