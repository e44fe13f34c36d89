// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/sites/exchange.h"
#include "agent/sites/frames.h"
#include "agent/sites/opener.h"
#include "agent/sites/reader.h"

#define TITLE_NS 1000000000ull

int reader_new(struct reader **ret)
{
	struct reader *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->worker.socket = -1;
	e = opener_new(&r->opener);
	if (e == 0)
		e = worker_start(&r->worker, &reader_entry);
	if (e < 0) {
		reader_free(r);
		return e;
	}
	*ret = r;
	return 0;
}

void reader_free(struct reader *r)
{
	if (!r)
		return;
	worker_stop(&r->worker);
	opener_free(r->opener);
	targets_free(&r->targets);
	free(r);
}

int reader_unwind(struct reader *r, pid_t pid, const struct stack_copy *stack, uint64_t *ret_pcs,
		  size_t max, size_t *ret_n)
{
	size_t valid = stack->size < STACK_COPY_BYTES ? stack->size : STACK_COPY_BYTES;
	struct call c = { .head = { .type = WIRE_UNWIND,
				    .n = (uint32_t)(max < SITE_FRAMES ? max : SITE_FRAMES) },
			  .payload = {
				  { .iov_base = (void *)stack,
				    .iov_len = offsetof(struct stack_copy, bytes) + valid } } };
	struct wire_unwound end;
	int e = reader_call(r, pid, &c);

	r->last = (struct reader_unwound){ 0 };
	if (e < 0)
		return e;
	if (c.n > c.head.n || c.size != sizeof(end) + c.n * sizeof(uint64_t))
		return -EPIPE;
	memcpy(&end, reader_payload(r), sizeof(end));
	memcpy(ret_pcs, reader_payload(r) + sizeof(end), c.n * sizeof(uint64_t));
	r->last.guessed = end.guessed;
	r->last.complete = end.complete;
	if (stack->truncated && !end.complete)
		r->lost[LOSS_TRUNCATED]++;
	*ret_n = c.n;
	return 0;
}

int reader_symbolize(struct reader *r, pid_t pid, const uint64_t *pcs, size_t n,
		     struct site_frame **ret, size_t *ret_n)
{
	struct call c = { .head = { .type = WIRE_SYMBOLIZE, .n = (uint32_t)n },
			  .payload = { { .iov_base = (void *)pcs, .iov_len = n * sizeof(*pcs) } } };
	int e;

	if (n > SITE_FRAMES)
		return -E2BIG;
	e = reader_exchange(r, pid, &c);
	if (e == -ETIMEDOUT || e == -EPIPE) /* again, without the DWARF that may have done it */
		e = reader_exchange(r, pid, &c);
	if (e == 0)
		e = c.status;
	if (e == 0)
		e = frames_read(reader_payload(r), c.size, c.n, ret);
	if (e < 0)
		return e == -EPROTO ? -EPIPE : e;
	*ret_n = c.n;
	return 0;
}

int reader_find_probe(struct reader *r, pid_t pid, const char *module, const char *function,
		      struct reader_place *ret, int *ret_fd)
{
	struct call c = {
		.head = { .type = WIRE_FIND },
		.payload = { { .iov_base = (void *)module, .iov_len = strlen(module) + 1 },
			     { .iov_base = (void *)function, .iov_len = strlen(function) + 1 } }
	};
	struct wire_ask ask = { .kind = WIRE_EXE };
	struct wire_place place;
	struct target *t;
	uint64_t dropped;
	int e = reader_call(r, pid, &c);

	if (e < 0)
		return e;
	if (c.size != sizeof(place))
		return -EPIPE;
	memcpy(&place, reader_payload(r), sizeof(place));
	if (place.end != 0)
		ask = (struct wire_ask){ .kind = WIRE_MAP_FILE,
					 .start = place.start,
					 .end = place.end };
	e = targets_get(&r->targets, pid, &t, &dropped);
	if (e == 0)
		e = opener_open(r->opener, t->proc, &ask, c.deadline, ret_fd);
	if (e < 0)
		return e;
	*ret = (struct reader_place){ .offset = place.offset, .cheap = place.pass >= 0 };
	if (ret->cheap)
		ret->pass = (uint32_t)place.pass;
	return 0;
}

int reader_find_function(struct reader *r, pid_t pid, const char *module, const char *function,
			 uint64_t *ret_offset, int *ret_fd)
{
	struct reader_place place;
	int e = reader_find_probe(r, pid, module, function, &place, ret_fd);

	if (e == 0)
		*ret_offset = place.offset;
	return e;
}

int reader_find_start(struct reader *r, pid_t pid, uint64_t *ret_offset, int *ret_fd)
{
	return reader_find_function(r, pid, "", "", ret_offset, ret_fd);
}

int reader_rules(struct reader *r, pid_t pid, const uint64_t *pcs, size_t n, struct frame_rule *ret)
{
	struct call c = { .head = { .type = WIRE_RULES, .n = (uint32_t)n },
			  .payload = { { .iov_base = (void *)pcs, .iov_len = n * sizeof(*pcs) } } };
	int e;

	if (n > SITE_FRAMES)
		return -E2BIG;
	e = reader_call(r, pid, &c);
	if (e < 0)
		return e;
	if (c.n != n || c.size != n * sizeof(*ret))
		return -EPIPE;
	memcpy(ret, reader_payload(r), c.size);
	return 0;
}

int reader_load_order(struct reader *r, pid_t pid, uint64_t *ret, size_t max, size_t *ret_n)
{
	struct call c = { .head = { .type = WIRE_ORDER } };
	int e = reader_call(r, pid, &c);

	if (e < 0)
		return e;
	if (c.size != c.n * sizeof(*ret))
		return -EPIPE;
	*ret_n = c.n < max ? c.n : max;
	memcpy(ret, reader_payload(r), *ret_n * sizeof(*ret));
	return 0;
}

int reader_has_section(struct reader *r, pid_t pid, const char *section)
{
	struct call c = { .head = { .type = WIRE_SECTION },
			  .payload = { { .iov_base = (void *)section,
					 .iov_len = strlen(section) + 1 } } };
	int e = reader_call(r, pid, &c);

	return e < 0 ? e : c.n != 0;
}

int reader_title(struct reader *r, pid_t pid, char *ret, size_t *ret_size)
{
	struct call c = { .head = { .type = WIRE_TITLE, .n = (uint32_t)*ret_size },
			  .timeout = TITLE_NS };
	int e = reader_call(r, pid, &c);

	if (e < 0)
		return e;
	if (c.size > *ret_size)
		return -EPIPE;
	memcpy(ret, reader_payload(r), c.size);
	*ret_size = c.size;
	return 0;
}

int reader_service(struct reader *r, pid_t pid, const void *request, size_t size, uint64_t timeout,
		   const void **ret, size_t *ret_size)
{
	struct call c = { .head = { .type = WIRE_GO },
			  .payload = { { .iov_base = (void *)request, .iov_len = size } },
			  .timeout = timeout };
	int e = reader_call(r, pid, &c);

	if (e < 0)
		return e;
	*ret = reader_payload(r);
	*ret_size = c.size;
	return 0;
}

static int open_for(struct reader *r, pid_t pid, const struct wire_ask *ask, int *ret_fd)
{
	struct target *t;
	uint64_t dropped;
	int e = targets_get(&r->targets, pid, &t, &dropped);

	if (e == 0)
		e = reader_send_forget(r, dropped);
	if (e == 0)
		e = opener_open(r->opener, t->proc, ask, monotonic_ns() + READER_REQUEST_NS,
				ret_fd);
	r->lost[LOSS_TIMEOUT] += e == -ETIMEDOUT;
	return e;
}

int reader_open(struct reader *r, pid_t pid, enum reader_file what, int *ret_fd)
{
	static const enum wire_ask_kind kinds[] = { [READER_EXECUTABLE] = WIRE_EXE,
						    [READER_MAPS] = WIRE_MAPS_COPY,
						    [READER_MEMORY] = WIRE_MEM,
						    [READER_PAGES] = WIRE_PAGEMAP };

	return open_for(r, pid, &(struct wire_ask){ .kind = kinds[what] }, ret_fd);
}

int reader_open_mapping(struct reader *r, pid_t pid, uint64_t start, uint64_t end, int *ret_fd)
{
	return open_for(r, pid,
			&(struct wire_ask){ .kind = WIRE_MAP_FILE, .start = start, .end = end },
			ret_fd);
}

void reader_forget(struct reader *r, pid_t pid)
{
	reader_send_forget(r, targets_forget(&r->targets, pid));
}

struct reader_unwound reader_last(const struct reader *r)
{
	return r->last;
}

uint64_t reader_lost(const struct reader *r, enum loss_reason reason)
{
	return r->lost[reason];
}

pid_t reader_child(const struct reader *r)
{
	return r->worker.pid;
}
