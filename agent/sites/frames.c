// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/escape.h"
#include "agent/sites/frames.h"
#include "agent/sites/protocol.h"

static uint16_t name_size(const char *name)
{
	return name ? (uint16_t)strnlen(name, WIRE_NAME_MAX) : 0;
}

static void append(struct frame_writer *w, const void *bytes, size_t n)
{
	if (n > 0)
		memcpy(w->at, bytes, n);
	w->at += n;
}

int frame_write(struct frame_writer *w, const struct raw_frame *frame)
{
	struct wire_frame head = { .pc = frame->pc,
				   .offset = frame->offset,
				   .line = frame->line,
				   .function_size = name_size(frame->function),
				   .file_size = name_size(frame->file),
				   .module_size = name_size(frame->module) };
	size_t size = sizeof(head) + head.function_size + head.file_size + head.module_size;

	if (size > (size_t)(w->end - w->at))
		return -EMSGSIZE;
	append(w, &head, sizeof(head));
	append(w, frame->function, head.function_size);
	append(w, frame->file, head.file_size);
	append(w, frame->module, head.module_size);
	w->n++;
	return 0;
}

static char *read_name(const uint8_t **at, size_t n)
{
	char *name = malloc(4 * n + 1);

	if (name)
		escape_bytes(name, 4 * n + 1, (const char *)*at, n);
	*at += n;
	return name;
}

static int read_frame(const uint8_t **at, const uint8_t *end, struct site_frame *f)
{
	struct wire_frame head;

	if ((size_t)(end - *at) < sizeof(head))
		return -EPROTO;
	memcpy(&head, *at, sizeof(head));
	*at += sizeof(head);
	if ((size_t)(end - *at) < (size_t)head.function_size + head.file_size + head.module_size)
		return -EPROTO;
	f->pc = head.pc;
	f->offset = head.offset;
	f->line = head.line <= INT32_MAX ? (int)head.line : 0;
	f->function = read_name(at, head.function_size);
	f->file = read_name(at, head.file_size);
	f->module = read_name(at, head.module_size);
	return f->function && f->file && f->module ? 0 : -ENOMEM;
}

int frames_read(const uint8_t *bytes, size_t size, size_t n, struct site_frame **ret)
{
	const uint8_t *at = bytes;
	struct site_frame *frames;
	int r = 0;

	if (n > size / sizeof(struct wire_frame))
		return -EPROTO;
	frames = calloc(n ? n : 1, sizeof(*frames));
	if (!frames)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = read_frame(&at, bytes + size, &frames[i]);
	if (r < 0) {
		site_frames_free(frames, n);
		return r;
	}
	*ret = frames;
	return 0;
}
