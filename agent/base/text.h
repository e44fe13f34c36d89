/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading the small text files that kernels answer with. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What one read gives of a file, ended. For what holds a name that anybody chose: a line's end may
 * be part of it. 0 or negative errno. */
int text_read(const char *path, char *dst, size_t size);

/* The first line of a file, without its end. 0 or negative errno. */
int text_read_line(const char *path, char *dst, size_t size);

/* A file that holds one number; "max" is UINT64_MAX. 0 or negative errno. */
int text_read_number(const char *path, uint64_t *ret);

/* The number after the word at the start of a line, as in memory.stat or /proc/meminfo ("Name:"
 * with its colon). 0, -ENOENT when no line begins so, or negative errno. */
int text_read_field(const char *path, const char *word, uint64_t *ret);

/* Bytes as people read them: "1.5 MiB". */
void text_format_bytes(double value, char *dst, size_t size);

/* Append to the string in dst, of size bytes in all; what does not fit is cut. */
void text_append(char *dst, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
