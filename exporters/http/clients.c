// SPDX-License-Identifier: GPL-2.0-only
#include <sys/socket.h>

#include "agent/base/cleanup.h"
#include "exporters/http/clients.h"

static const int allowed_ms[CLIENT_STATES] = {
	[CLIENT_LINGERING] = CLIENTS_LINGERING_MS,
	[CLIENT_READING] = CLIENTS_REQUEST_MS,
	[CLIENT_IDLE] = CLIENTS_IDLE_MS,
	[CLIENT_SENDING] = CLIENTS_RESPONSE_MS,
};

static bool has_deadline(const struct client *client)
{
	return client->fd >= 0 && client->state != CLIENT_CUT;
}

static int64_t deadline(const struct client *client)
{
	return client->since + allowed_ms[client->state];
}

void clients_init(struct clients *c)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		c->rows[i].fd = -1;
}

struct client *clients_find(struct clients *c, int fd)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (c->rows[i].fd == fd)
			return &c->rows[i];
	return NULL;
}

struct client *clients_add(struct clients *c, int fd, int64_t now)
{
	struct client *client = clients_find(c, -1);

	if (client)
		*client = (struct client){ .fd = fd, .state = CLIENT_READING, .since = now };
	return client;
}

void client_enter(struct client *client, enum client_state state, int64_t now)
{
	client->state = state;
	client->since = now;
}

void client_remove(struct client *client)
{
	client->fd = -1;
}

void client_cut(struct client *client)
{
	shutdown(client->fd, SHUT_RDWR);
	client->state = CLIENT_CUT;
}

struct client *clients_oldest(struct clients *c)
{
	struct client *best = NULL;

	for (struct client *x = c->rows; x < c->rows + CLIENTS_MAX; x++) {
		if (!has_deadline(x))
			continue;
		if (!best || x->state < best->state ||
		    (x->state == best->state && x->since < best->since))
			best = x;
	}
	return best;
}

struct client *clients_late(struct clients *c, int64_t now)
{
	for (struct client *x = c->rows; x < c->rows + CLIENTS_MAX; x++)
		if (has_deadline(x) && deadline(x) <= now)
			return x;
	return NULL;
}

int clients_timeout(const struct clients *c, int64_t now)
{
	int64_t least = -1;

	for (const struct client *x = c->rows; x < c->rows + CLIENTS_MAX; x++) {
		int64_t left = has_deadline(x) ? deadline(x) - now : -1;

		if (!has_deadline(x))
			continue;
		left = left > 0 ? left : 0;
		if (least < 0 || left < least)
			least = left;
	}
	return (int)least;
}
