// SPDX-License-Identifier: GPL-2.0-only
/* The reader child: answers one request after the other, until the parent is gone. */
#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "agent/base/child.h"
#include "agent/base/cleanup.h"
#include "agent/base/sandbox.h"
#include "agent/sites/frames.h"
#include "agent/sites/load_order.h"
#include "agent/sites/rule.h"
#include "agent/sites/service.h"
#include "agent/sites/symbolize.h"
#include "agent/sites/unwind.h"
#include "agent/sites/worker.h"

#define ADDRESS_SPACE	(1ul << 30)
#define KEPT_BYTES	(8u << 20) /* of DWARF and symbols, when nobody asked for a while */
#define KEPT_NS		3000000000ull
#define BURST_BYTES	(96u << 20) /* while they are asked for */
#define UNWIND_SIZE_MIN offsetof(struct stack_copy, bytes)

struct request {
	struct wire_request head;
	union {
		struct stack_copy stack;
		uint64_t pcs[SITE_FRAMES];
		char names[2 * WIRE_NAME_MAX];
	};
};

struct child {
	struct spaces spaces;
	struct cfi_cache cache;
	struct request request;
	size_t size; /* of the request's payload */
	struct wire_reply reply;
	uint8_t answer[MESSAGE_MAX - sizeof(struct wire_reply)];
};

static int ask_parent(void *context, const struct wire_ask *ask, int *ret_fd)
{
	struct wire_reply head = { .type = WIRE_ASK }, reply;
	struct iovec parts[] = { { .iov_base = &head, .iov_len = sizeof(head) },
				 { .iov_base = (void *)ask, .iov_len = sizeof(*ask) } };
	_cleanup_close_ int fd = -1;
	ssize_t n;

	if (message_send(CHILD_FIRST_FD, parts, ARRAY_SIZE(parts), -1, 0) < 0)
		_exit(1);
	n = message_receive(CHILD_FIRST_FD, &reply, sizeof(reply), 0, &fd);
	if (n != sizeof(reply))
		_exit(1);
	if (fd < 0)
		return reply.status < 0 ? reply.status : -EPROTO;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static const struct source parent = { .open = ask_parent };

static int answer_unwind(struct child *c, size_t *ret_size)
{
	struct unwinder u = { .spaces = &c->spaces, .cache = &c->cache, .source = &parent };
	struct stack_copy *stack = &c->request.stack;
	struct wire_unwound end;
	uint64_t pcs[SITE_FRAMES];
	size_t n;
	int r;

	if (c->size < UNWIND_SIZE_MIN || c->request.head.n > SITE_FRAMES)
		return -EINVAL;
	stack->size = (uint32_t)(c->size - UNWIND_SIZE_MIN);
	r = unwind(&u, c->request.head.process, stack, pcs, c->request.head.n, &n, &end);
	if (r < 0)
		return r;
	memcpy(c->answer, &end, sizeof(end));
	memcpy(c->answer + sizeof(end), pcs, n * sizeof(pcs[0]));
	c->reply.n = (uint32_t)n;
	*ret_size = sizeof(end) + n * sizeof(pcs[0]);
	return 0;
}

static int answer_symbolize(struct child *c, size_t *ret_size)
{
	struct frame_writer w = { .at = c->answer, .end = c->answer + sizeof(c->answer) };
	int r;

	if (c->size != c->request.head.n * sizeof(uint64_t))
		return -EINVAL;
	r = symbolize(&c->spaces, c->request.head.process, &parent,
		      c->request.head.type == WIRE_SYMBOLIZE, c->request.pcs, c->request.head.n,
		      &w);
	c->reply.n = w.n;
	*ret_size = (size_t)(w.at - c->answer);
	return r;
}

static int answer_find(struct child *c, size_t *ret_size)
{
	const char *module = c->request.names;
	size_t n = strnlen(module, c->size);
	struct wire_place place;
	int r;

	if (n + 1 >= c->size || module[c->size - 1] != '\0')
		return -EINVAL;
	r = symbolize_find(&c->spaces, c->request.head.process, &parent, module, module + n + 1,
			   &place);
	memcpy(c->answer, &place, sizeof(place));
	*ret_size = sizeof(place);
	return r;
}

static int answer_rules(struct child *c, size_t *ret_size)
{
	struct frame_rule rules[SITE_FRAMES];
	size_t n = c->request.head.n;
	int r;

	if (n > SITE_FRAMES || c->size != n * sizeof(uint64_t))
		return -EINVAL;
	r = rules_find(&c->spaces, &c->cache, c->request.head.process, &parent, c->request.pcs, n,
		       rules);
	if (r < 0)
		return r;
	memcpy(c->answer, rules, n * sizeof(rules[0]));
	c->reply.n = (uint32_t)n;
	*ret_size = n * sizeof(rules[0]);
	return 0;
}

static int answer_section(struct child *c, size_t *ret_size)
{
	int r;

	if (c->size == 0 || c->request.names[c->size - 1] != '\0')
		return -EINVAL;
	r = symbolize_has_section(&c->spaces, &parent, c->request.names);
	c->reply.n = r > 0;
	return r < 0 ? r : 0;
}

/* Reading it waits for the process's memory. */
static int answer_title(struct child *c, size_t *ret_size)
{
	struct wire_ask ask = { .kind = WIRE_CMDLINE };
	_cleanup_close_ int fd = -1;
	int r = ask_parent(NULL, &ask, &fd);
	ssize_t n;

	if (r < 0)
		return r;
	if (c->request.head.n > sizeof(c->answer))
		return -EINVAL;
	n = read(fd, c->answer, c->request.head.n);
	if (n < 0)
		return -errno;
	*ret_size = (size_t)n;
	return 0;
}

static int answer_order(struct child *c, size_t *ret_size)
{
	uint64_t bases[LOAD_ORDER_MAX];
	size_t n;
	int r = load_order(&parent, bases, ARRAY_SIZE(bases), &n);

	if (r < 0)
		return r;
	memcpy(c->answer, bases, n * sizeof(bases[0]));
	c->reply.n = (uint32_t)n;
	*ret_size = n * sizeof(bases[0]);
	return 0;
}

static int answer_go(struct child *c, size_t *ret_size)
{
	*ret_size = sizeof(c->answer);
	return service_go.answer(&parent, c->request.head.process, c->request.names, c->size,
				 c->answer, ret_size);
}

static void answer(struct child *c)
{
	static int (*const answers[])(struct child *, size_t *) = {
		[WIRE_UNWIND] = answer_unwind,	[WIRE_SYMBOLIZE] = answer_symbolize,
		[WIRE_NAME] = answer_symbolize, [WIRE_FIND] = answer_find,
		[WIRE_RULES] = answer_rules,	[WIRE_SECTION] = answer_section,
		[WIRE_TITLE] = answer_title,	[WIRE_ORDER] = answer_order,
		[WIRE_GO] = answer_go,
	};
	struct iovec parts[] = { { .iov_base = &c->reply, .iov_len = sizeof(c->reply) },
				 { .iov_base = c->answer } };
	size_t size = 0;

	c->reply = (struct wire_reply){ .type = WIRE_ANSWER, .status = -EINVAL };
	if (c->request.head.type < ARRAY_SIZE(answers) && answers[c->request.head.type])
		c->reply.status = answers[c->request.head.type](c, &size);
	parts[1].iov_len = c->reply.status < 0 ? 0 : size;
	if (message_send(CHILD_FIRST_FD, parts, ARRAY_SIZE(parts), -1, 0) < 0)
		_exit(1);
}

static void stay_small(struct child *c, size_t kept)
{
	struct mallinfo2 used = mallinfo2();

	if (used.uordblks + used.hblkhd < kept)
		return;
	modules_shrink(&c->spaces.modules);
	malloc_trim(0);
}

/* Names are asked for in bursts, and DWARF is dear to read again: it goes when the burst is over.
 */
static void end_burst(struct child *c, uint64_t *named_at)
{
	if (*named_at == 0 || monotonic_ns() < *named_at + KEPT_NS)
		return;
	*named_at = 0;
	stay_small(c, KEPT_BYTES);
}

static void handle(struct child *c, uint64_t *named_at)
{
	if (c->request.head.type == WIRE_FORGET) {
		spaces_forget(&c->spaces, c->request.head.process);
		service_go.forget(c->request.head.process);
		return;
	}
	answer(c);
	if (c->request.head.type == WIRE_SYMBOLIZE || c->request.head.type == WIRE_NAME) {
		stay_small(c, BURST_BYTES);
		*named_at = monotonic_ns();
	}
}

static int serve(struct child *c)
{
	uint64_t named_at = 0; /* when names were last asked for; 0 when what they took is gone */

	for (;;) {
		ssize_t n = message_receive(CHILD_FIRST_FD, &c->request, sizeof(c->request),
					    named_at ? named_at + KEPT_NS : 0, NULL);

		end_burst(c, &named_at);
		if (n == -ETIMEDOUT)
			continue;
		if (n < (ssize_t)sizeof(c->request.head))
			return n != -EPIPE;
		c->size = (size_t)n - sizeof(c->request.head);
		handle(c, &named_at);
	}
}

static int reader_main(void)
{
	static const struct sandbox spec = { .name = READER_NAME,
					     .address_space = ADDRESS_SPACE,
					     .descriptors = 256 };
	static struct child child;

	symbolize_prepare();
	return worker_enter(&spec) < 0 ? 1 : serve(&child);
}

CHILD_ENTRY(reader_entry, READER_NAME, reader_main)
