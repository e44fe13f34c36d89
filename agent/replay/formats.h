/* SPDX-License-Identifier: GPL-2.0-only */
/* The two formats of a recording, for recording.c. Both fill what recording_free() frees. */
#pragma once

#include "agent/replay/recording.h"

/* 0, or -EINVAL or -ENOMEM with one line in message (RECORDING_ERROR bytes). */
int recording_parse_csv(const char *text, size_t size, struct recording *r, char *message);
int recording_parse_prometheus(const char *text, size_t size, struct recording *r, char *message);

/* Room for one more series, empty. NULL when out of memory. */
struct recorded_series *recording_add(struct recording *r);
/* 0, -ENOMEM, or -EINVAL when time does not rise. */
int recording_append(struct recorded_series *s, struct recording_point point);
/* Write the message and return r. */
int recording_fail(char *message, int r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
