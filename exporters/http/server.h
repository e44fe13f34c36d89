/* SPDX-License-Identifier: GPL-2.0-only */
/* The web child at work: its loop over clients, the library and the agent. */
#pragma once

#include "exporters/http/clients.h"
#include "exporters/http/reply.h"

struct server {
	int control_fd, listen_fd;
	struct MHD_Daemon *daemon;
	struct clients clients;
	struct site site;
	int64_t deaf_until; /* no accept before: the one that waits would wake us without end */
};

/* Milliseconds of the clock of all deadlines. */
int64_t server_now(void);

/* Make what the loop needs while every system call is still allowed (handlers.c). -ENOMEM. */
int server_start(struct server *s);

/* Serve until the agent is gone, which is -EPIPE. */
int server_run(struct server *s);
