// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/sites/maps.h"

/* The next line without its end, or NULL. One that is longer than the buffer is given in pieces. */
static char *next_line(struct maps *m)
{
	char *start, *newline;
	ssize_t n;

	while (!(newline = memchr(m->bytes + m->at, '\n', m->end - m->at))) {
		memmove(m->bytes, m->bytes + m->at, m->end - m->at);
		m->end -= m->at;
		m->at = 0;
		if (m->end == MAPS_BYTES)
			break;
		n = read(m->fd, m->bytes + m->end, MAPS_BYTES - m->end);
		if (n <= 0)
			return NULL;
		m->end += (size_t)n;
	}
	start = m->bytes + m->at;
	m->at = newline ? (size_t)(newline - m->bytes) + 1 : m->end;
	*(newline ? newline : m->bytes + m->end) = '\0';
	return start;
}

/* start-end perms offset device inode path, see proc(5). */
static bool parse_line(char *line, struct mapping *ret)
{
	char *at = line, *permissions;

	ret->start = strtoull(at, &at, 16);
	ret->end = strtoull(at + (*at == '-'), &at, 16);
	permissions = at + (*at == ' ');
	if (strnlen(permissions, 5) < 5 || ret->end <= ret->start)
		return false;
	memcpy(ret->permissions, permissions, 4);
	ret->permissions[4] = '\0';
	ret->offset = strtoull(permissions + 5, &at, 16);
	at += strspn(at, " ");
	at += strcspn(at, " "); /* the device */
	ret->inode = strtoull(at, &at, 10);
	ret->path = at + strspn(at, " ");
	return true;
}

int maps_next(struct maps *m, struct mapping *ret)
{
	char *line;

	while ((line = next_line(m)))
		if (parse_line(line, ret))
			return 1;
	return 0;
}
