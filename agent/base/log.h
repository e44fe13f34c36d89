/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One line a message on stderr. A function either logs or returns its error, not both; the top
 * level logs. Strings that a watched process controls are escaped by the model before they get
 * here.
 */
#pragma once

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* Parse "error" .. "debug" or "text"/"json"; -EINVAL when the word is another. */
int log_parse_level(const char *word, enum log_level *ret_level);
int log_parse_format(const char *word, enum log_format *ret_format);

void log_setup(enum log_level level, enum log_format format);

/* Returns r, so that a failing statement is one: return log_error(r, "cannot open '%s'", path);
 * A negative r is appended as its errno text; 0 appends nothing. */
int log_write(enum log_level level, int r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(r, ...) log_write(LOG_ERROR, (r), __VA_ARGS__)
#define log_warn(r, ...)  log_write(LOG_WARN, (r), __VA_ARGS__)
#define log_info(...)	  ((void)log_write(LOG_INFO, 0, __VA_ARGS__))
#define log_debug(r, ...) log_write(LOG_DEBUG, (r), __VA_ARGS__)
