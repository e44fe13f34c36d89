/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which process of this host is the other end of a connection: sockets of the ports that somebody
 * asked for are noted in passing by the descriptor census, and paired by their two ports.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CONNECTIONS_NOTED 4096

struct connections {
	uint8_t wanted[65536 / 8]; /* client's ports, a bit each */
	struct {
		pid_t pid;
		uint16_t local, remote;
	} noted[CONNECTIONS_NOTED];
	unsigned int n;
};

/* For the next sweep; the noted ones of the last stay until it begins. */
void connections_want(struct connections *c, uint16_t port);
void connections_want_none(struct connections *c);

/* A sweep begins; then each connection that it meets, of which those of no port that is wanted, and
 * those that find no room, are passed over. */
void connections_begin(struct connections *c);
void connections_note(struct connections *c, pid_t pid, uint16_t local, uint16_t remote);

/* The process at the client's end of the connection of server to that port, 0 when it is not here.
 */
pid_t connections_client(const struct connections *c, pid_t server, uint16_t port);
