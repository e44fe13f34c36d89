/* SPDX-License-Identifier: GPL-2.0-only */
/* The model as JSON, one object a line: what scripts read of `seep top --json`. */
#pragma once

#include <stdio.h>

#include "agent/model/model.h"

struct json_filter {
	pid_t pid;	  /* 0: all */
	const char *text; /* in the name, path or group; NULL: all */
	bool kernel_threads;
};

/* Whether the filter lets a process through. */
bool json_filter_passes(const struct json_filter *f, const struct model_process *p);

/*
 * A line for each resource and each kind of each process, then one for each network namespace whose
 * ports ownerless sockets take (with "pid":null). 0, or -ENOMEM, or the stream's errno.
 */
int json_write_model(const struct model *m, const struct json_filter *f, FILE *to);
