// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/escape.h"
#include "agent/replay/formats.h"

static void cleanup_json(json_t **j)
{
	json_decref(*j);
}

/* [1700000000.123, "42"]: NaN and infinities are values there and holes here. */
static bool parse_sample(const json_t *sample, struct recording_point *ret)
{
	const char *word = json_string_value(json_array_get(sample, 1));
	const json_t *time = json_array_get(sample, 0);
	char *end;

	if (json_array_size(sample) != 2 || !json_is_number(time) || !word)
		return false;
	ret->time = json_number_value(time);
	ret->value = strtod(word, &end);
	ret->bound = NAN;
	return end != word && !*end;
}

static int parse_samples(const json_t *values, struct recorded_series *s, char *message)
{
	size_t i;
	json_t *sample;

	if (!json_is_array(values))
		return recording_fail(message, -EINVAL, "a series has no \"values\"");
	json_array_foreach(values, i, sample)
	{
		struct recording_point point;
		int r;

		if (!parse_sample(sample, &point))
			return recording_fail(message, -EINVAL,
					      "sample %zu is not [time, \"value\"]", i);
		if (!isfinite(point.value))
			continue;
		r = recording_append(s, point);
		if (r < 0)
			return recording_fail(message, r, "sample %zu: %s", i,
					      r == -EINVAL ? "time does not rise"
							   : "out of memory");
	}
	return 0;
}

/* fd_live{job="app",pid="7"}. Escaped: who wrote the file is not known. NULL when out of memory. */
static char *series_name(json_t *metric)
{
	const char *name = json_string_value(json_object_get(metric, "__name__")), *key;
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	json_t *value;
	char mark = '{';
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	fputs(name ? name : "", to);
	json_object_foreach(metric, key, value)
	{
		if (strcmp(key, "__name__") == 0 || !json_is_string(value))
			continue;
		fprintf(to, "%c%s=\"%s\"", mark, key, json_string_value(value));
		mark = ',';
	}
	if (mark == ',')
		fputc('}', to);
	return fclose(to) || !text ? NULL : escape_strdup(text);
}

static int parse_series(json_t *entry, struct recording *r, char *message)
{
	struct recorded_series *s = recording_add(r);

	if (!s || !(s->name = series_name(json_object_get(entry, "metric"))))
		return recording_fail(message, -ENOMEM, "out of memory");
	return parse_samples(json_object_get(entry, "values"), s, message);
}

int recording_parse_prometheus(const char *text, size_t size, struct recording *r, char *message)
{
	json_error_t error;
	_cleanup_(cleanup_json) json_t *root = json_loadb(text, size, 0, &error);
	json_t *result, *entry, *data = json_object_get(root, "data");
	const char *type = json_string_value(json_object_get(data, "resultType"));
	size_t i;

	if (!root)
		return recording_fail(message, -EINVAL, "is no JSON: line %d, column %d",
				      error.line, error.column);
	result = json_object_get(data, "result");
	if (!type || strcmp(type, "matrix") != 0 || !json_is_array(result))
		return recording_fail(message, -EINVAL,
				      "is no answer of query_range with resultType \"matrix\"");
	json_array_foreach(result, i, entry)
	{
		int e = parse_series(entry, r, message);

		if (e < 0)
			return e;
	}
	return 0;
}
