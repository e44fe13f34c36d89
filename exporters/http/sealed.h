/* SPDX-License-Identifier: GPL-2.0-only */
/* A memory file that nobody can change any more: what one process may safely map of another's. */
#pragma once

#include <stddef.h>
#include <sys/uio.h>

/* A descriptor on a file that holds the parts one after the other, which the caller closes; or a
 * negative errno. */
int sealed_file(const char *name, const struct iovec *parts, size_t n);
