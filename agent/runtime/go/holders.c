// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has a channel at hand: goroutines that wait while its address stands on their stack. One that
 * waits to send on it is blocked by it; any other takes from it, or has sent before it waited.
 */
#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/channels.h"
#include "agent/runtime/go/stack.h"

#define GOROUTINES_MAX 8192u /* the first that there were: workers are among them */
#define STACKS_MAX     512u
#define STACK_BYTES    4096u /* from where it stands */

struct waiting {
	struct go_parked parked;
	uint8_t reason;
};

struct holders {
	size_t n;
	struct waiting rows[STACKS_MAX];
};

static void take_waiting(void *context, const struct go_parked *g, uint8_t reason)
{
	struct holders *h = context;

	if (h->n < STACKS_MAX)
		h->rows[h->n++] = (struct waiting){ .parked = *g, .reason = reason };
}

static struct go_channel *find_channel(struct go_report *r, uint64_t address)
{
	for (uint32_t i = 0; i < r->n_channels; i++)
		if (r->channels[i].address == address)
			return &r->channels[i];
	return NULL;
}

/* Frames below the one that an address lies in; bytes: the stack's, from where it stands. */
static uint16_t frames_below(const struct go_parked *g, const uint8_t *bytes, uint64_t size,
			     uint64_t address)
{
	uint64_t at = g->bp;
	uint16_t n = 0;

	while (at >= g->sp && at - g->sp + 8 <= size && at < address) {
		uint64_t next = go_u64(bytes + (at - g->sp));

		n++;
		if (next <= at)
			break;
		at = next;
	}
	return n;
}

/* From the function on that has it. */
static void tell_holder(struct go_builder *b, const struct waiting *w, uint16_t below,
			struct go_channel *c)
{
	go_stack_tell(b, &w->parked, &c->holder, &c->n_holder);
	below = below < c->n_holder ? below : c->n_holder;
	c->holder += below;
	c->n_holder -= below;
}

/* One of each kind is enough. */
static void tell_one(struct go_builder *b, const struct waiting *w, uint16_t below,
		     struct go_channel *c)
{
	bool sends = w->reason < GO_WAIT_REASONS &&
		     strncmp(b->process->wait_reasons[w->reason], "chan send", 9) == 0;

	if (sends && !c->n_sender)
		go_stack_tell(b, &w->parked, &c->sender, &c->n_sender);
	else if (!sends && !c->n_holder)
		tell_holder(b, w, below, c);
}

static void search_stack(struct go_builder *b, const struct waiting *w)
{
	uint8_t bytes[STACK_BYTES];
	uint64_t size = w->parked.high - w->parked.sp;

	if (w->parked.sp < w->parked.low || w->parked.sp >= w->parked.high)
		return;
	size = size < sizeof(bytes) ? size : sizeof(bytes);
	if (go_memory_read(&b->process->memory, w->parked.sp, bytes, size) < 0)
		return;
	for (uint64_t at = 0; at + 8 <= size; at += 8) {
		struct go_channel *c = find_channel(b->report, go_u64(bytes + at));

		if (c)
			tell_one(b, w, frames_below(&w->parked, bytes, size, w->parked.sp + at), c);
	}
}

int go_holders_tell(struct go_builder *b)
{
	static struct holders h; /* too large for the stack; the child has one thread */
	struct go_process *p = b->process;
	int r;

	if (!p->variables.allgs || !p->goroutines)
		return 0; /* the channels are told without */
	h.n = 0;
	r = go_goroutines_waiting(p, GOROUTINES_MAX, take_waiting, &h);
	r = r == -ENXIO ? 0 : r; /* those that are there are looked at */
	for (size_t i = 0; r == 0 && i < h.n; i++)
		search_stack(b, &h.rows[i]);
	return r;
}
