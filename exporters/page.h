/* SPDX-License-Identifier: GPL-2.0-only */
/* The page at /: links, and what moves, for a person with a browser and no Prometheus. */
#pragma once

#include <stddef.h>

#include "agent/model/model.h"

/* path: of the metrics. The caller frees *ret, see buffer_take. -ENOMEM. */
int page_render(const struct model *m, const char *path, char **ret, size_t *ret_len);
