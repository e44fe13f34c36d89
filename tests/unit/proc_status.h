/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "agent/base/cleanup.h"

/* The number in a line of /proc/PID/status, base 16 or 10; the test fails when there is none. */
static inline unsigned long long status_value(pid_t pid, const char *key, int base)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[256];
	size_t n = strlen(key);

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, key, n) == 0 && line[n] == ':')
			return strtoull(line + n + 1, NULL, base);
	fail_msg("no %s in %s", key, path);
	return 0;
}
