/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a PostgreSQL server process says of itself in its title, which it keeps in its command line:
 * "postgres: [CLUSTER: ]USER DATABASE HOST(PORT) ACTIVITY", with "[local]" for a unix socket
 * (PostgreSQL's documentation, 28.1 "Standard Unix Tools"). Names may hold anything, so the title
 * is read from its end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backend_title {
	bool in_transaction; /* waits for its client within one, failed or not */
	bool failed;
	uint16_t port; /* of the client; 0 for a unix socket */
};

/* Whether a program, by its path, is the server; NULL for one that is not known. */
bool backend_is_server(const char *program);

/* Whether it is the title of a process that the server itself started, which listens on nothing. */
bool backend_title_is_part(const char *title, size_t size);

/* False for what is no title of a process that serves a client. title need not end in a zero. */
bool backend_title_parse(const char *title, size_t size, struct backend_title *ret);
