// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/replay/formats.h"

#define LINE_MAX_BYTES 256

/* One number and what ends it: a comma, or the line. *at moves behind. False when it is no number.
 */
static bool take_number(const char **at, double *ret)
{
	char *end;

	*ret = strtod(*at, &end);
	if (end == *at || !isfinite(*ret))
		return false;
	while (*end == ' ')
		end++;
	if (*end && *end != ',')
		return false;
	*at = end;
	return true;
}

static bool take_comma(const char **at)
{
	if (**at != ',')
		return false;
	++*at;
	return true;
}

static bool parse_line(const char *at, struct recording_point *ret)
{
	ret->bound = NAN;
	if (!take_number(&at, &ret->time) || !take_comma(&at) || !take_number(&at, &ret->value))
		return false;
	if (take_comma(&at) && *at && !take_number(&at, &ret->bound))
		return false;
	return *at == '\0';
}

static bool is_header(const char *line)
{
	return strcmp(line, "time_seconds,value") == 0 ||
	       strcmp(line, "time_seconds,value,bound") == 0;
}

/* Copy the line at *at without its end; *at moves to the next. False when it is too long. */
static bool take_line(const char *text, size_t size, size_t *at, char line[LINE_MAX_BYTES])
{
	const char *begin = text + *at, *end = memchr(begin, '\n', size - *at);
	size_t n = end ? (size_t)(end - begin) : size - *at;

	*at += n + (end != NULL);
	if (n >= LINE_MAX_BYTES)
		return false;
	memcpy(line, begin, n);
	line[n] = '\0';
	if (n && line[n - 1] == '\r')
		line[n - 1] = '\0';
	return strlen(line) + 1 >= n; /* no NUL within */
}

int recording_parse_csv(const char *text, size_t size, struct recording *r, char *message)
{
	struct recorded_series *s = recording_add(r);
	char line[LINE_MAX_BYTES];
	size_t at = 0;

	if (!s)
		return recording_fail(message, -ENOMEM, "out of memory");
	for (unsigned int number = 1; at < size; number++) {
		struct recording_point point;
		bool whole = take_line(text, size, &at, line);
		int e;

		if (whole && (!*line || (number == 1 && is_header(line))))
			continue;
		if (!whole || !parse_line(line, &point))
			return recording_fail(message, -EINVAL,
					      "line %u is not time_seconds,value[,bound]", number);
		e = recording_append(s, point);
		if (e < 0)
			return recording_fail(message, e, "line %u: %s", number,
					      e == -EINVAL ? "time does not rise"
							   : "out of memory");
	}
	return 0;
}
