/* SPDX-License-Identifier: GPL-2.0-only */
/* A memory file that nobody can change any more: what one process may safely map of another's. */
#pragma once

#include <stddef.h>

/* A descriptor on an empty file, which the caller closes; or a negative errno. */
int sealed_new(const char *name);
int sealed_add(int fd, const char *data, size_t len);
/* From here on nobody changes it. */
int sealed_close(int fd);
