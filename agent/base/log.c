// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static const char *const format_names[] = { "text", "json" };

static enum log_level max_level = LOG_INFO;
static enum log_format format = LOG_TEXT;

static int find_word(const char *word, const char *const names[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, names[i]) == 0)
			return (int)i;
	return -EINVAL;
}

int log_parse_level(const char *word, enum log_level *ret_level)
{
	int i = find_word(word, level_names, ARRAY_SIZE(level_names));

	if (i < 0)
		return i;
	*ret_level = (enum log_level)i;
	return 0;
}

int log_parse_format(const char *word, enum log_format *ret_format)
{
	int i = find_word(word, format_names, ARRAY_SIZE(format_names));

	if (i < 0)
		return i;
	*ret_format = (enum log_format)i;
	return 0;
}

void log_setup(enum log_level level, enum log_format f)
{
	max_level = level;
	format = f;
}

static void write_json(enum log_level level, const char *message)
{
	struct timespec now;
	_cleanup_free_ char *line = NULL;
	json_t *o;

	clock_gettime(CLOCK_REALTIME, &now);
	o = json_pack("{s:f, s:s, s:s}", "time", (double)now.tv_sec + (double)now.tv_nsec / 1e9,
		      "level", level_names[level], "message", message);
	if (!o)
		return;
	line = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (line)
		fprintf(stderr, "%s\n", line);
}

int log_write(enum log_level level, int r, const char *fmt, ...)
{
	char message[1024];
	size_t n;
	va_list ap;

	if (level > max_level)
		return r;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	n = strlen(message);
	if (r < 0)
		snprintf(message + n, sizeof(message) - n, ": %s", strerror(-r));
	if (format == LOG_JSON)
		write_json(level, message);
	else
		fprintf(stderr, "seep: %s\n", message);
	return r;
}
