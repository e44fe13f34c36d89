/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the code that parses gets its descriptors: from the parent by asking, in a test directly.
 */
#pragma once

#include "agent/sites/protocol.h"

struct source {
	/* Of the process that the request is about; the caller closes *ret_fd. */
	int (*open)(void *context, const struct wire_ask *ask, int *ret_fd);
	void *context;
};
