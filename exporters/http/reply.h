/* SPDX-License-Identifier: GPL-2.0-only */
/* What is answered to which request. */
#pragma once

#include <stdbool.h>

#include <microhttpd.h>

#include "exporters/http/protocol.h"
#include "exporters/http/snapshot.h"

struct site {
	struct snapshot *snapshot;    /* NULL before the first census */
	char path[HTTP_PATH_MAX + 1]; /* of the metrics */
};

/* Queue the answer to a request whose headers are complete. MHD_NO ends the connection. */
enum MHD_Result reply(const struct site *site, struct MHD_Connection *connection, const char *url,
		      const char *method);

/* True when a body follows, which no request here has a use for. */
bool reply_has_body(struct MHD_Connection *connection);
