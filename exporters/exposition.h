/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two text formats that Prometheus reads, as one writer over the table of metrics:
 * text 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/) and OpenMetrics 1.0
 * (https://github.com/OpenObservability/OpenMetrics/blob/main/specification/OpenMetrics.md).
 * They differ in the names and types of counters and infos, in UNIT lines and in the EOF mark.
 */
#pragma once

#include "exporters/buffer.h"
#include "exporters/metrics.h"
#include "exporters/prometheus.h"

struct exposition {
	struct buffer *out;
	enum prometheus_format format;
	enum metric_id family; /* the one whose samples are being written; METRIC_MAX before any */
};

/*
 * A sample with as many label values as the metric has labels. A family's samples come in one run:
 * the first brings its HELP and TYPE. A value that is not finite is no sample.
 */
void exposition_sample(struct exposition *e, enum metric_id id, double value,
		       const char *const labels[]);

/* Close the text. */
void exposition_end(struct exposition *e);
