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
#define WAITING	       4u
#define STATUS_MASK    0xfffu /* without the bit that a collection sets meanwhile */

struct waiting {
	struct go_parked parked;
	uint8_t reason;
};

struct holders {
	const struct go_layout *layout;
	size_t n;
	struct waiting rows[STACKS_MAX];
};

static void take_goroutine(void *context, const struct go_item *item, const uint8_t *bytes)
{
	struct holders *h = context;
	const struct go_layout *l = h->layout;

	if (h->n == STACKS_MAX || (go_u32(bytes + l->g_status) & STATUS_MASK) != WAITING)
		return;
	h->rows[h->n++] = (struct waiting){ .parked = { .low = go_u64(bytes),
							.high = go_u64(bytes + 8),
							.sp = go_u64(bytes + l->g_sp),
							.pc = go_u64(bytes + l->g_pc),
							.bp = go_u64(bytes + l->g_bp) },
					    .reason = bytes[l->g_wait_reason] };
}

static int find_waiting(struct go_process *p, struct holders *h)
{
	uint64_t slice[3], *list;
	struct go_item *items;
	size_t n;
	int r = go_memory_read(&p->memory, p->variables.allgs, slice, sizeof(slice));

	if (r < 0 || slice[1] > slice[2])
		return r < 0 ? r : -EPROTO;
	n = slice[1] < GOROUTINES_MAX ? slice[1] : GOROUTINES_MAX;
	list = go_scratch(GO_SCRATCH_LIST, n * sizeof(*list));
	items = go_scratch(GO_SCRATCH_ITEMS, n * sizeof(*items));
	if (!list || !items)
		return -ENOMEM;
	r = go_memory_read(&p->memory, slice[0], list, n * sizeof(*list));
	for (size_t i = 0; r == 0 && i < n; i++)
		items[i] = (struct go_item){ .address = list[i] };
	return r < 0 ? r : go_gather(&p->memory, items, n, p->layout.g_bytes, take_goroutine, h);
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
	h = (struct holders){ .layout = &p->layout };
	r = find_waiting(p, &h);
	for (size_t i = 0; r == 0 && i < h.n; i++)
		search_stack(b, &h.rows[i]);
	return r;
}
