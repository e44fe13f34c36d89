/* SPDX-License-Identifier: GPL-2.0-only */
/* The page at /: links, and what moves, for a person with a browser and no Prometheus. */
#pragma once

#include "agent/model/model.h"
#include "exporters/buffer.h"

/* Add the page to a buffer; path: of the metrics. -ENOMEM. */
int page_write(const struct model *m, const char *path, struct buffer *out);
