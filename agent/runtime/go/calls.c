// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/calls.h"
#include "agent/runtime/go/process.h"

#define CHUNK 65536u
#define CALL  0xe8

/* Code from an address on, of which calls that begin at first or behind it and before n are looked
 * for. */
struct chunk {
	const uint8_t *code;
	uint64_t address;
	size_t first, n;
};

static int take_chunk(const struct chunk *c, int (*take)(void *context, const struct go_call *call),
		      void *context)
{
	const uint8_t *at = c->code + c->first, *end = c->code + c->n;
	int r = 0;

	while (r == 0 && at < end && (at = memchr(at, CALL, (size_t)(end - at)))) {
		size_t i = (size_t)(at - c->code);
		struct go_call call = { .back = c->address + i + GO_CALL_BYTES,
					.code = at,
					.before = i < GO_CALL_BEFORE ? i : GO_CALL_BEFORE };

		call.to = call.back + (uint64_t)(int64_t)(int32_t)go_u32(at + 1);
		r = take(context, &call);
		at++;
	}
	return r;
}

/* Of each chunk what stands before it is read again, and so much behind it that a call across its
 * end is whole. */
int go_calls_each(struct go_process *p, int (*take)(void *context, const struct go_call *call),
		  void *context)
{
	_cleanup_free_ uint8_t *code = malloc(GO_CALL_BEFORE + CHUNK + GO_CALL_BYTES);
	const struct go_table *t = &p->module.table;
	int r = code ? 0 : -ENOMEM;

	for (uint64_t at = t->text; r == 0 && at + GO_CALL_BYTES <= t->end; at += CHUNK) {
		uint64_t left = t->end - at - (GO_CALL_BYTES - 1); /* where a call may begin */
		size_t before = at == t->text ? 0 : GO_CALL_BEFORE;
		size_t n = before + (left < CHUNK ? (size_t)left : CHUNK);

		r = go_memory_read(&p->memory, at - before, code, n + GO_CALL_BYTES - 1);
		if (r == 0)
			r = take_chunk(&(struct chunk){ code, at - before, before, n }, take,
				       context);
	}
	return r;
}
