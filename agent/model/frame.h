/* SPDX-License-Identifier: GPL-2.0-only */
/* One frame of a stack as people read it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SITE_FRAMES 64 /* frames kept of one stack */

/* Strings are escaped (model/escape.h) and owned, "" when unknown. */
struct site_frame {
	uint64_t pc; /* in the process */
	char *function;
	char *file;
	int line;	 /* 0 when unknown */
	char *module;	 /* path of the ELF file, or "[vdso]" */
	uint64_t offset; /* of pc in the module's file */
};

/* Frees the strings too; accepts NULL. */
void site_frames_free(struct site_frame *frames, size_t n);

/* A copy that the caller frees with site_frames_free. 0 or -ENOMEM; NULL for no frames. */
int site_frames_copy(const struct site_frame *frames, size_t n, struct site_frame **ret);

/* A library that takes for others (libc, libpthread, librt, the loader, libstdc++, the vdso). */
bool site_frame_is_runtime(const struct site_frame *f);
