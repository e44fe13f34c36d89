/* SPDX-License-Identifier: GPL-2.0-only */
/* The model as Prometheus reads it. What each metric means stands in metrics.h. */
#pragma once

#include <stddef.h>

#include "agent/model/model.h"

enum prometheus_format { PROMETHEUS_TEXT, PROMETHEUS_OPENMETRICS, PROMETHEUS_FORMATS };

/* Render the model and the agent's own figures; the caller frees *ret, which ends in a zero byte
 * that *ret_len does not count. -ENOMEM. */
int prometheus_render(const struct model *m, enum prometheus_format f, char **ret, size_t *ret_len);
