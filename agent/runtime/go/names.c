// SPDX-License-Identifier: GPL-2.0-only
/* Names of return addresses by the function table, which every Go program carries. */
#include <errno.h>
#include <string.h>

#include "agent/runtime/go/process.h"
#include "agent/sites/frames.h"

static int write_places(struct go_process *p, uint64_t pc, bool innermost, struct frame_writer *w)
{
	static struct go_source_place places[GO_INLINE_MAX];
	int n = go_table_places(&p->module.table, pc, true, places, GO_INLINE_MAX);
	struct raw_frame frame = { .pc = pc, .offset = go_image_offset(&p->image, pc) };
	int r = 0;

	if (n < 0) /* code of no Go function */
		return frame_write(w, &frame);
	n = innermost && n > 1 ? 1 : n;
	for (int i = 0; i < n && r == 0; i++) {
		frame.function = places[i].function;
		frame.file = places[i].file;
		frame.line = places[i].line;
		r = frame_write(w, &frame);
	}
	return r;
}

int go_names_answer(struct go_process *p, const void *request, size_t size, void *answer,
		    size_t *ret_size)
{
	const struct go_names_request *q = request;
	struct frame_writer w = { .at = answer, .end = (uint8_t *)answer + *ret_size };
	int r = 0;

	if (size != sizeof(*q) || q->n > SITE_FRAMES || *ret_size < sizeof(uint64_t))
		return -EINVAL;
	w.at += sizeof(uint64_t);
	for (uint32_t i = 0; i < q->n && r == 0; i++)
		r = write_places(p, q->pcs[i], q->logical, &w);
	memset(answer, 0, sizeof(uint64_t));
	memcpy(answer, &w.n, sizeof(w.n));
	*ret_size = (size_t)(w.at - (uint8_t *)answer);
	return r == -EMSGSIZE ? 0 : r;
}
