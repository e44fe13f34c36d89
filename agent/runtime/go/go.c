// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/escape.h"
#include "agent/runtime/go/go.h"

int go_scan(struct reader *r, pid_t pid, const struct go_request *request, uint64_t timeout,
	    struct go_report **ret)
{
	_cleanup_free_ struct go_report *report = NULL;
	const void *answer;
	size_t size;
	int e = reader_service(r, pid, request, sizeof(*request), timeout, &answer, &size);

	if (e < 0)
		return e;
	if (size > sizeof(*report))
		return -EPIPE;
	report = calloc(1, sizeof(*report));
	if (!report)
		return -ENOMEM;
	memcpy(report, answer, size);
	if (go_report_check(report, size) < 0)
		return -EPIPE;
	*ret = TAKE_PTR(report);
	return 0;
}

const char *go_error_text(int error)
{
	switch (error) {
	case -ENOEXEC:
		return "no Go program";
	case -ENODATA:
		return "a Go program without a function table that can be read (packed, obfuscated "
		       "or older than Go 1.18)";
	case -ETIME:
	case -ETIMEDOUT:
		return "reading its tables took too long";
	case -ENXIO:
		return "its memory is not all there, and bringing it in is left to it";
	case -EOPNOTSUPP:
		return "this kernel does not tell which pages of a program are there";
	case -EPIPE:
		return "the reader gave up on it";
	case -EAGAIN:
		return "too many readers wait for files that are not answered";
	case -ENOSPC:
		return "more Go programs run than are read in turn";
	}
	return strerror(-error);
}

const char *go_version(const struct go_report *r, char *dst, size_t size)
{
	if (!*r->version)
		return "an unknown version";
	escape_bytes(dst, size, r->version, strlen(r->version));
	return dst;
}

const char *go_string(const struct go_report *r, uint32_t offset)
{
	return offset < r->n_strings ? r->strings + offset : "";
}

const struct go_place *go_code_place(const struct go_report *r, uint16_t code)
{
	return code < r->n_codes && r->codes[code].n ? &r->places[r->codes[code].first] : NULL;
}

void go_count_unread(const struct go_unread *u, uint64_t lost[LOSS_REASON_MAX])
{
	lost[LOSS_READ_FAULT] += u->failed;
	lost[LOSS_NOT_PRESENT] += u->absent;
	lost[LOSS_SWAPPED] += u->swapped;
}

#define DEFAULT_IDLE 2 /* defaultMaxIdleConns of database/sql */

uint64_t go_pool_may_idle(const struct go_pool *p)
{
	if (p->max_idle == 0)
		return DEFAULT_IDLE;
	return p->max_idle > 0 ? (uint64_t)p->max_idle : 0;
}

static int fill_frame(const struct go_report *r, const struct go_code *code,
		      const struct go_place *place, const char *module, struct site_frame *ret)
{
	*ret = (struct site_frame){
		.pc = code->pc,
		.offset = code->offset,
		.line = place->line <= INT32_MAX ? (int)place->line : 0,
		.function = escape_strdup(go_string(r, place->function)),
		.file = escape_strdup(go_string(r, place->file)),
		.module = strdup(module),
	};
	return ret->function && ret->file && ret->module ? 0 : -ENOMEM;
}

int go_frames_add(const struct go_report *r, uint16_t code, const char *module,
		  struct site_frame *frames, size_t *n)
{
	const struct go_code *c = code < r->n_codes ? &r->codes[code] : NULL;
	int e = 0;

	for (uint16_t i = 0; c && i < c->n && *n < SITE_FRAMES && e == 0; i++)
		e = fill_frame(r, c, &r->places[c->first + i], module, &frames[(*n)++]);
	return e;
}
