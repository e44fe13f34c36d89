/* SPDX-License-Identifier: GPL-2.0-only */
/* A sandboxed child of the reader and the socket to it, from the root process's side. */
#pragma once

#include <sys/types.h>

#include "agent/base/child.h"
#include "agent/base/sandbox.h"

struct worker {
	pid_t pid;  /* 0 while there is none */
	int socket; /* -1 while there is none */
};

/* Start a child and wait until its sandbox is closed behind it. -EAGAIN while too many wait for
 * file servers that do not answer. */
int worker_start(struct worker *w, const struct child_entry *entry);
/* False as child_end. */
bool worker_stop(struct worker *w);

/* In the child: enter the sandbox and tell the parent how that went. 0 or -errno. */
int worker_enter(const struct sandbox *spec);

/* The two kinds: opener.c, child.c. */
extern const struct child_entry opener_entry, reader_entry;
