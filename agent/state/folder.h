/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state directory and its files. What root reads back there was written by root: a directory
 * that another owns or may write to is refused, links are not followed, and one agent at a time
 * holds it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Made when missing (0700). -EPERM when others may write there, -EBUSY when another agent has it,
 * or another negative errno. */
int folder_open(const char *path, int *ret_fd);

/* All of a file, freed by the caller; -ENOENT, -EBADMSG for what is no plain file of ours or is
 * larger than any state. */
int folder_read(int folder, const char *name, uint8_t **ret_data, size_t *ret_size);

/* An empty file in place of what was there, 0600, appended to; a descriptor or negative errno. */
int folder_create(int folder, const char *name);

/* All of it, or a negative errno. */
int folder_write(int fd, const void *data, size_t size);

/* Rename; what is not there is no error. */
int folder_rename(int folder, const char *from, const char *to);
