/* SPDX-License-Identifier: GPL-2.0-only */
/* The model as Prometheus reads it. What each metric means stands in metrics.h. */
#pragma once

#include <stddef.h>

#include "agent/model/model.h"
#include "exporters/buffer.h"

enum prometheus_format { PROMETHEUS_TEXT, PROMETHEUS_OPENMETRICS, PROMETHEUS_FORMATS };

/* Add the model and the agent's own figures to a buffer that the caller keeps: what is rendered at
 * each census should find its memory in place, since page faults would cost more than the text.
 * -ENOMEM. */
int prometheus_write(const struct model *m, enum prometheus_format f, struct buffer *out);

/* The same as a text; the caller frees *ret, which ends in a zero byte that *ret_len does not
 * count. */
int prometheus_render(const struct model *m, enum prometheus_format f, char **ret, size_t *ret_len);
