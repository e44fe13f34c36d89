// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/buffers.h"
#include "agent/runtime/go/objects.h"
#include "agent/runtime/go/profile.h"
#include "agent/runtime/go/stores.h"
#include "agent/sites/frames.h"

#define ASK_NS	 5000000000ull
#define LEARN_NS 10000000000ull /* the first question, for which a large program is read */

/* A question whose answer is one struct. */
static int ask_struct(struct reader *r, pid_t pid, const void *request, size_t size, void *ret,
		      size_t ret_size)
{
	const void *answer;
	int e = reader_service(r, pid, request, size, LEARN_NS, &answer, &size);

	if (e < 0)
		return e;
	if (size != ret_size)
		return -EPIPE;
	memcpy(ret, answer, size);
	return 0;
}

int go_points_ask(struct reader *r, pid_t pid, enum go_births births, struct go_points *ret,
		  int *ret_fd)
{
	struct go_points_request request = { .ask = GO_ASK_POINTS, .births = births };
	int e = ask_struct(r, pid, &request, sizeof(request), ret, sizeof(*ret));

	if (e < 0)
		return e;
	if (ret->n == 0 || ret->n > GO_POINTS_MAX)
		return -EPIPE;
	return reader_open(r, pid, READER_EXECUTABLE, ret_fd);
}

static int check_fates(const struct go_fates *f, size_t size, uint32_t n)
{
	if (f->n != n || size != offsetof(struct go_fates, answers) + n * sizeof(f->answers[0]))
		return -EPIPE;
	for (uint32_t i = 0; i < n; i++)
		if (f->answers[i].fate > GO_FATE_DEAD)
			return -EPIPE;
	return 0;
}

int go_fates_ask(struct reader *r, pid_t pid, struct go_fates_request *request,
		 struct go_fates *ret)
{
	size_t size = offsetof(struct go_fates_request, objects) +
		      request->n * sizeof(request->objects[0]);
	const void *answer;
	int e;

	request->ask = GO_ASK_FATES;
	e = reader_service(r, pid, request, size, ASK_NS, &answer, &size);
	if (e < 0)
		return e;
	if (size > sizeof(*ret))
		return -EPIPE;
	memcpy(ret, answer, size);
	return check_fates(ret, size, request->n);
}

int go_callers_ask(struct reader *r, pid_t pid, enum go_callee callee, struct go_callers *ret)
{
	struct go_callers_request request = { .ask = GO_ASK_CALLERS, .callee = callee };
	int e = ask_struct(r, pid, &request, sizeof(request), ret, sizeof(*ret));

	if (e < 0)
		return e;
	return ret->n <= GO_CALLERS_MAX ? 0 : -EPIPE;
}

static int set_module(struct site_frame *frames, size_t n, const char *module)
{
	for (size_t i = 0; i < n; i++) {
		free(frames[i].module);
		frames[i].module = strdup(module);
		if (!frames[i].module)
			return -ENOMEM;
	}
	return 0;
}

static int ask_names(struct reader *r, pid_t pid, const char *module, const uint64_t *pcs, size_t n,
		     bool logical, struct site_frame **ret, size_t *ret_n)
{
	struct go_names_request request = { .ask = GO_ASK_NAMES,
					    .n = (uint32_t)n,
					    .logical = logical };
	struct site_frame *frames;
	const uint8_t *answer;
	uint32_t count;
	size_t size;
	int e;

	if (n > SITE_FRAMES)
		return -E2BIG;
	memcpy(request.pcs, pcs, n * sizeof(pcs[0]));
	e = reader_service(r, pid, &request, sizeof(request), LEARN_NS, (const void **)&answer,
			   &size);
	if (e < 0)
		return e;
	if (size < sizeof(uint64_t))
		return -EPIPE;
	memcpy(&count, answer, sizeof(count));
	e = frames_read(answer + sizeof(uint64_t), size - sizeof(uint64_t), count, &frames);
	if (e < 0)
		return e == -EPROTO ? -EPIPE : e;
	e = set_module(frames, count, module);
	if (e < 0) {
		site_frames_free(frames, count);
		return e;
	}
	*ret = frames;
	*ret_n = count;
	return 0;
}

int go_names_ask(struct reader *r, pid_t pid, const char *module, const uint64_t *pcs, size_t n,
		 struct site_frame **ret, size_t *ret_n)
{
	return ask_names(r, pid, module, pcs, n, false, ret, ret_n);
}

int go_names_ask_logical(struct reader *r, pid_t pid, const char *module, const uint64_t *pcs,
			 size_t n, struct site_frame **ret, size_t *ret_n)
{
	return ask_names(r, pid, module, pcs, n, true, ret, ret_n);
}

int go_profile_check(const struct go_profile *p, size_t size)
{
	if (size < offsetof(struct go_profile, rows) || p->n > GO_PROFILE_SITES ||
	    p->n > p->sites ||
	    size != offsetof(struct go_profile, rows) + p->n * sizeof(p->rows[0]))
		return -EPIPE;
	for (uint32_t i = 0; i < p->n; i++)
		if (p->rows[i].n == 0 || p->rows[i].n > GO_PROFILE_FRAMES ||
		    p->rows[i].freed > p->rows[i].taken)
			return -EPIPE;
	return 0;
}

/* A question whose answer is a struct cut to its use; *ret_size: of the answer. */
static int ask_cut(struct reader *r, pid_t pid, const void *request, size_t size, void *ret,
		   size_t room, size_t *ret_size)
{
	const void *answer;
	int e = reader_service(r, pid, request, size, LEARN_NS, &answer, ret_size);

	if (e < 0)
		return e;
	if (*ret_size > room)
		return -EPIPE;
	memcpy(ret, answer, *ret_size);
	return 0;
}

int go_profile_ask(struct reader *r, pid_t pid, struct go_profile *ret)
{
	struct go_profile_request request = { .ask = GO_ASK_PROFILE };
	size_t size;
	int e = ask_cut(r, pid, &request, sizeof(request), ret, sizeof(*ret), &size);

	return e < 0 ? e : go_profile_check(ret, size);
}

int go_buffers_check(const struct go_buffers *b, size_t size)
{
	if (size < offsetof(struct go_buffers, rows) || b->n > GO_BUFFERS_MAX ||
	    b->largest > b->n ||
	    size != offsetof(struct go_buffers, rows) + b->n * sizeof(b->rows[0]))
		return -EPIPE;
	for (uint32_t i = 0; i < b->n; i++)
		if (b->rows[i].filled > b->rows[i].bytes ||
		    b->rows[i].address + b->rows[i].bytes < b->rows[i].address)
			return -EPIPE;
	return 0;
}

int go_buffers_ask(struct reader *r, pid_t pid, struct go_buffers *ret)
{
	struct go_buffers_request request = { .ask = GO_ASK_BUFFERS };
	size_t size;
	int e = ask_cut(r, pid, &request, sizeof(request), ret, sizeof(*ret), &size);

	return e < 0 ? e : go_buffers_check(ret, size);
}

int go_stores_check(const struct go_stores *t, size_t size, uint32_t n)
{
	if (size != offsetof(struct go_stores, rows) + n * sizeof(t->rows[0]) || t->n != n)
		return -EPIPE;
	for (uint32_t i = 0; i < n; i++)
		if (t->rows[i].filled > t->rows[i].bytes)
			return -EPIPE;
	return 0;
}

int go_stores_ask(struct reader *r, pid_t pid, struct go_stores_request *request,
		  struct go_stores *ret)
{
	size_t head = offsetof(struct go_stores_request, addresses), size;
	int e;

	request->ask = GO_ASK_STORES;
	e = ask_cut(r, pid, request, head + request->n * sizeof(request->addresses[0]), ret,
		    sizeof(*ret), &size);
	return e < 0 ? e : go_stores_check(ret, size, request->n);
}
