/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent's trends for whoever looks now: `seep top` counts by itself, but a trend needs a past.
 * A socket that only root can reach; each connection gets one descriptor of a sealed memory file
 * with a row for each trend of a process or a group. It is RUNTIME_DIRECTORY/history.sock, as
 * systemd sets it, else /run/seep/history.sock.
 */
#pragma once

#include "agent/model/model.h"

struct history;

/* Listen. -EADDRINUSE when another agent answers there; a socket that nobody answers is replaced.
 */
int history_new(struct history **ret);
/* Removes the socket. */
void history_free(struct history *h);

/* Readable when somebody asks. */
int history_fd(const struct history *h);
/* Answer whoever asks, without waiting for them. */
void history_answer(struct history *h, const struct model *m);

/*
 * Take the trends of a running agent into a model that has just had its census. 0, or -ENOENT when
 * no agent runs, or another negative errno.
 */
int history_adopt(struct model *m);
