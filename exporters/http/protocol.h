/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The web child: a process that holds a listening socket and nothing else, and serves what the
 * agent hands it. It never sees the model; the agent renders each body at each census.
 *
 * Descriptors, from CHILD_FIRST_FD: the control socket (message.h), the listening socket. Messages:
 * first the path of the metrics, without an end mark; then a struct http_snapshot for each census,
 * with a sealed memory file that holds the bodies one after the other. The end of the control
 * socket is the end of the child.
 */
#pragma once

#include <stdint.h>

#include "agent/base/child.h"

#define HTTP_PATH_MAX 256

extern const struct child_entry http_child; /* child.c */

enum http_body { HTTP_TEXT, HTTP_OPENMETRICS, HTTP_PAGE, HTTP_BODIES };

struct http_snapshot {
	uint64_t len[HTTP_BODIES];
};
