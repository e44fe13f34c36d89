/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is connected, and until when. A library's timeout counts from the last byte, so a client that
 * trickles one byte a second would never meet it; here a request has a deadline that no byte moves.
 * Knows descriptors and times (milliseconds of any one clock), no HTTP.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENTS_MAX	     64
#define CLIENTS_REQUEST_MS   5000   /* from the accept, or from the first byte of a later request */
#define CLIENTS_RESPONSE_MS  30000  /* to take the answer */
#define CLIENTS_IDLE_MS	     120000 /* between two requests */
#define CLIENTS_LINGERING_MS 2000

/* In the order in which they are given up when room is needed. */
enum client_state {
	CLIENT_LINGERING, /* answered; the rest of what it sends is thrown away */
	CLIENT_READING,	  /* its request is not complete */
	CLIENT_IDLE,
	CLIENT_SENDING,
	CLIENT_CUT, /* shut down; the descriptor's owner closes it next */
	CLIENT_STATES,
};

struct client {
	int fd; /* -1: the row is free */
	enum client_state state;
	int64_t since; /* when it entered the state */
	bool refused;  /* answered before its request was complete */
};

struct clients {
	struct client rows[CLIENTS_MAX];
};

void clients_init(struct clients *c);

/* A new connection, which is to send a request. NULL when there is no room. Does not own fd. */
struct client *clients_add(struct clients *c, int fd, int64_t now);
struct client *clients_find(struct clients *c, int fd);
void client_enter(struct client *client, enum client_state state, int64_t now);
void client_remove(struct client *client);

/* Shut down so that its owner sees the end. The row stays until client_remove. */
void client_cut(struct client *client);

/* Who is to make room: the oldest of the first state that has one. NULL when all are cut. */
struct client *clients_oldest(struct clients *c);

/* Next client that is past its deadline, or NULL. */
struct client *clients_late(struct clients *c, int64_t now);

/* Milliseconds until the next deadline, -1 when there is none. */
int clients_timeout(const struct clients *c, int64_t now);
