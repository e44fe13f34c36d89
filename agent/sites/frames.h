/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames in a message: written by the reader child, read and escaped by the root process. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/sites/reader.h"

/* A frame as the child knows it: foreign bytes; NULL when unknown. */
struct raw_frame {
	uint64_t pc, offset;
	uint32_t line;
	const char *function, *file, *module;
};

struct frame_writer {
	uint8_t *at, *end;
	uint32_t n;
};

/* -EMSGSIZE when there is no room left; names are cut to WIRE_NAME_MAX. */
int frame_write(struct frame_writer *w, const struct raw_frame *frame);

/* Read n frames; the caller frees. -EPROTO when the bytes do not hold what they claim. */
int frames_read(const uint8_t *bytes, size_t size, size_t n, struct site_frame **ret);
