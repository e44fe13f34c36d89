// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/replay/formats.h"

int recording_fail(char *message, int r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message, RECORDING_ERROR, format, args);
	va_end(args);
	return r;
}

/* Arrays double: room is full whenever n is a power of two. */
static void *grow(void *array, size_t n, size_t size)
{
	if (n & (n - 1))
		return array;
	return reallocarray(array, n ? 2 * n : 1, size);
}

struct recorded_series *recording_add(struct recording *r)
{
	struct recorded_series *grown = grow(r->series, r->n, sizeof(*grown));

	if (!grown)
		return NULL;
	r->series = grown;
	grown[r->n] = (struct recorded_series){ 0 };
	return &grown[r->n++];
}

int recording_append(struct recorded_series *s, struct recording_point point)
{
	struct recording_point *grown;

	if (s->n && point.time <= s->points[s->n - 1].time)
		return -EINVAL;
	grown = grow(s->points, s->n, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->points = grown;
	grown[s->n++] = point;
	return 0;
}

void recording_free(struct recording *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->series[i].name);
		free(r->series[i].points);
	}
	free(r->series);
	*r = (struct recording){ 0 };
}

static int check(const struct recording *r, char *message)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->series[i].n)
			return 0;
	return recording_fail(message, -EINVAL, "holds no values");
}

int recording_parse(const char *text, size_t size, struct recording *ret,
		    char message[RECORDING_ERROR])
{
	struct recording recording = { 0 };
	size_t at = 0;
	int r;

	while (at < size && isspace((unsigned char)text[at]))
		at++;
	if (at < size && text[at] == '{')
		r = recording_parse_prometheus(text, size, &recording, message);
	else
		r = recording_parse_csv(text, size, &recording, message);
	if (r == 0)
		r = check(&recording, message);
	if (r < 0) {
		recording_free(&recording);
		return r;
	}
	*ret = recording;
	return 0;
}
