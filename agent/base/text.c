// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/base/text.h"

int text_read(const char *path, char *dst, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, dst, size - 1);
	if (n < 0)
		return -errno;
	dst[n] = '\0';
	return 0;
}

int text_read_line(const char *path, char *dst, size_t size)
{
	int r = text_read(path, dst, size);

	if (r == 0)
		dst[strcspn(dst, "\n")] = '\0';
	return r;
}

static int parse_number(const char *word, uint64_t *ret)
{
	char *end;

	if (strncmp(word, "max", 3) == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	errno = 0;
	*ret = strtoull(word, &end, 10);
	return end == word || errno ? -EINVAL : 0;
}

int text_read_number(const char *path, uint64_t *ret)
{
	char line[64];
	int r = text_read_line(path, line, sizeof(line));

	return r < 0 ? r : parse_number(line, ret);
}

int text_read_field(const char *path, const char *word, uint64_t *ret)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	size_t len = strlen(word);
	char line[256];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, word, len) == 0 && strchr(" \t", line[len]))
			return parse_number(line + len + strspn(line + len, " \t"), ret);
	return -ENOENT;
}

void text_format_bytes(double value, char *dst, size_t size)
{
	static const char *const suffixes[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t i = 0;

	while (fabs(value) >= 1024 && i + 1 < ARRAY_SIZE(suffixes)) {
		value /= 1024;
		i++;
	}
	snprintf(dst, size, "%.*f %s", i && fabs(value) < 100 ? 1 : 0, value, suffixes[i]);
}

void text_append(char *dst, size_t size, const char *fmt, ...)
{
	size_t len = strlen(dst);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(dst + len, size - len, fmt, ap);
	va_end(ap);
}
