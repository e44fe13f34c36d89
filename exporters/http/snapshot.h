/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bodies of one census as the web child holds them: mapped from the agent's sealed memory,
 * compressed once for each format that is asked for, kept while a slow client still reads.
 */
#pragma once

#include <stdbool.h>

#include <microhttpd.h>

#include "exporters/http/protocol.h"

struct snapshot;

/* Map what came with the message; fd stays the caller's. -EINVAL when the sizes do not fit. */
int snapshot_new(int fd, const struct http_snapshot *sizes, struct snapshot **ret);
/* Responses that are still being sent keep what they need. */
void snapshot_free(struct snapshot *s);

/* The response, which stays the snapshot's; NULL when out of memory. */
struct MHD_Response *snapshot_response(struct snapshot *s, enum http_body body, bool gzip);
