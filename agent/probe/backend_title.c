// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/probe/backend_title.h"

#define TITLE_BYTES 512

static const char title_begin[] = "postgres: ";

/* Activities of a process that waits for its client, the longer ones first; others are at work. */
static const struct {
	const char *words;
	bool in_transaction, failed;
} activities[] = {
	{ " idle in transaction (aborted)", true, true },
	{ " idle in transaction", true, false },
	{ " idle", false, false },
};

bool backend_is_server(const char *program)
{
	const char *slash = program ? strrchr(program, '/') : NULL;

	/* The kernel says so of a program that an upgrade has replaced. */
	return slash &&
	       (!strcmp(slash + 1, "postgres") || !strcmp(slash + 1, "postgres (deleted)"));
}

/* "HOST(PORT)" or "[local]" at the end of what is left. */
static bool parse_client(char *title, uint16_t *ret_port)
{
	char *client = strrchr(title, ' '), *bracket, *end;
	unsigned long port;

	if (!client)
		return false;
	*ret_port = 0;
	if (strcmp(++client, "[local]") == 0)
		return true;
	bracket = strrchr(client, '(');
	if (!bracket || bracket == client)
		return false;
	port = strtoul(bracket + 1, &end, 10);
	if (end == bracket + 1 || strcmp(end, ")") != 0 || port == 0 || port > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

static char *find_end(char *title, const char *words)
{
	size_t n = strlen(title), m = strlen(words);

	return n > m && strcmp(title + n - m, words) == 0 ? title + n - m : NULL;
}

bool backend_title_is_part(const char *title, size_t size)
{
	return size >= strlen(title_begin) && strncmp(title, title_begin, strlen(title_begin)) == 0;
}

bool backend_title_parse(const char *title, size_t size, struct backend_title *ret)
{
	char text[TITLE_BYTES];

	snprintf(text, sizeof(text), "%.*s", (int)(size < sizeof(text) ? size : sizeof(text) - 1),
		 title);
	if (!backend_title_is_part(title, size))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(activities); i++) {
		char *end = find_end(text, activities[i].words);

		if (!end)
			continue;
		*end = '\0';
		*ret = (struct backend_title){ .in_transaction = activities[i].in_transaction,
					       .failed = activities[i].failed };
		return parse_client(text, &ret->port);
	}
	return false;
}
