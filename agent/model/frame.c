// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/frame.h"

void site_frames_free(struct site_frame *frames, size_t n)
{
	for (size_t i = 0; frames && i < n; i++) {
		free(frames[i].function);
		free(frames[i].file);
		free(frames[i].module);
	}
	free(frames);
}

int site_frames_copy(const struct site_frame *frames, size_t n, struct site_frame **ret)
{
	struct site_frame *copy = calloc(n ? n : 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		copy[i] = frames[i];
		copy[i].function = strdup(frames[i].function);
		copy[i].file = strdup(frames[i].file);
		copy[i].module = strdup(frames[i].module);
		if (!copy[i].function || !copy[i].file || !copy[i].module) {
			site_frames_free(copy, i + 1);
			return -ENOMEM;
		}
	}
	*ret = copy;
	return 0;
}

bool site_frame_is_runtime(const struct site_frame *f)
{
	static const char *const prefixes[] = { "libc.so",     "libc-",	       "libpthread",
						"librt.so",    "librt-",       "ld-linux",
						"ld-musl",     "libstdc++.so", "libc++.so",
						"libgcc_s.so", "[vdso]" };
	const char *slash = strrchr(f->module, '/');
	const char *name = slash ? slash + 1 : f->module;

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}
