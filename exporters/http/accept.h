/* SPDX-License-Identifier: GPL-2.0-only */
/* What a client would rather have, by its Accept headers (RFC 9110, section 12.5). */
#pragma once

#include <stdbool.h>

#include "exporters/prometheus.h"

/* OpenMetrics for who prefers it to text; text for who asks for nothing, or for what we have not.
 * accept may be NULL. */
enum prometheus_format accept_format(const char *accept);

/* accept_encoding may be NULL. */
bool accept_gzip(const char *accept_encoding);
