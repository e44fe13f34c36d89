// SPDX-License-Identifier: GPL-2.0-only
/* What a report tells of large channels: how far they are filled, by whom, and what that keeps. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/channels.h"

/* Scans; what a search costs is too much for each. What only the second one finds in a watch, for
 * the program made it meanwhile, is seen in the last six of its GO_SLICES + 1: enough to judge it.
 */
#define SEARCH_EACH 7
#define SEARCH_RARE 32 /* of those who want no stacks, and come again and again */
#define SAMPLE	    8  /* items, of which the objects they lead to are sized */
#define ITEM_BYTES  64 /* of each that are looked at */

struct go_known_channels {
	unsigned int scans;
	int error; /* of the last search */
	size_t n;
	struct go_hchan rows[GO_CHANNELS_MAX];
};

/* Bytes of the objects that one item leads to; the same object twice counts once. */
static uint64_t size_item(struct go_process *p, const uint8_t *item, uint64_t pointers,
			  uint64_t *last)
{
	uint64_t sum = 0;

	for (uint64_t at = 0; at + 8 <= pointers; at += 8) {
		struct go_object o;

		if (go_heap_object(&p->heap, &p->memory, go_u64(item + at), &o) < 0 ||
		    o.address == *last)
			continue;
		*last = o.address;
		sum += o.size;
	}
	return sum;
}

/* What an item of the queue keeps alive beside itself, by a few of them. */
static uint64_t kept_by_item(struct go_process *p, const struct go_hchan *c)
{
	uint64_t type[2], last = 0, sum = 0, n = c->items < SAMPLE ? c->items : SAMPLE;
	uint8_t item[ITEM_BYTES];

	if (n == 0 || go_memory_fixed(&p->memory, c->type, type, sizeof(type)) < 0 || type[1] == 0)
		return 0;
	type[1] = type[1] < sizeof(item) ? type[1] : sizeof(item);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = (c->taken_at + c->items / n * i) % c->capacity;

		if (go_memory_read(&p->memory, c->buffer + at * c->item_bytes, item, type[1]) == 0)
			sum += size_item(p, item, type[1], &last);
	}
	return sum / n;
}

/* Code addresses that calls return to, into the report's stacks. */
static void tell_codes(struct go_builder *b, const uint64_t *pcs, int n, uint16_t *ret_first,
		       uint16_t *ret_n)
{
	struct go_report *r = b->report;

	*ret_first = (uint16_t)r->n_stacks;
	for (int i = 0; i < n && r->n_stacks < GO_STACKS; i++) {
		uint16_t code = go_builder_code(b, pcs[i], true);

		if (code == GO_CODES)
			break;
		r->stacks[r->n_stacks++] = code;
		(*ret_n)++;
	}
}

/* A package's path ends with the first dot after its last slash: how long it is, or 0. Types in
 * brackets have paths of their own. */
static size_t package_length(const char *function)
{
	size_t end = strcspn(function, "["), last = 0;
	const char *dot;

	for (size_t i = 0; i < end; i++)
		if (function[i] == '/')
			last = i;
	dot = memchr(function + last, '.', end - last);
	return dot ? (size_t)(dot - function) : 0;
}

/* Channels are rarely handed out of the package that makes them. */
static void tell_senders(struct go_builder *b, struct go_channel *to)
{
	const struct go_report *r = b->report;
	const struct go_code *maker = to->n_makers == 1 ? &r->codes[r->stacks[to->makers]] : NULL;
	const char *name = maker && maker->n ? r->strings + r->places[maker->first].function : "";
	uint64_t pcs[GO_MAKERS];
	size_t length = package_length(name);

	if (length)
		tell_codes(b, pcs, go_sends_find(b->process, name, length, pcs, GO_MAKERS),
			   &to->senders, &to->n_senders);
}

static void tell_makers(struct go_builder *b, const struct go_hchan *c, struct go_channel *to)
{
	uint64_t pcs[GO_MAKERS];

	tell_codes(b, pcs, go_makers_find(b->process, c, pcs, GO_MAKERS), &to->makers,
		   &to->n_makers);
}

static void tell(struct go_builder *b, const struct go_hchan *c)
{
	struct go_channel *to = &b->report->channels[b->report->n_channels++];

	*to = (struct go_channel){ .address = c->address,
				   .items = c->items,
				   .capacity = c->capacity,
				   .sent_at = c->sent_at,
				   .taken_at = c->taken_at,
				   .kept = b->request->stacks ? kept_by_item(b->process, c) : 0,
				   .item_bytes = c->item_bytes,
				   .closed = c->closed };
	if (b->request->stacks == 0)
		return;
	tell_makers(b, c, to);
	tell_senders(b, to);
}

/* Those that a search found are read again; what has become another is dropped. */
static int read_again(struct go_process *p)
{
	struct go_known_channels *known = p->channels;
	size_t n = 0;
	int away = 0;

	for (size_t i = 0; i < known->n; i++) {
		const struct go_hchan before = known->rows[i];
		uint8_t bytes[GO_HCHAN_BYTES];
		int r = go_memory_read(&p->memory, before.address, bytes, sizeof(bytes));

		if (r == -ETIME || r == -ESRCH)
			return r;
		if (r == -ENXIO) {
			known->rows[n++] = before; /* it is still what it was */
			away = r;
		}
		if (r == 0 && go_hchan_parse(p, before.address, bytes, &known->rows[n]) &&
		    known->rows[n].buffer == before.buffer &&
		    known->rows[n].capacity == before.capacity)
			n++;
	}
	known->n = n;
	return away;
}

static int update(struct go_process *p, unsigned int each)
{
	struct go_known_channels *known = p->channels;
	int r;

	if (!known && !(known = p->channels = calloc(1, sizeof(*known))))
		return -ENOMEM;
	if (known->scans++ % each)
		return known->error < 0 ? known->error : read_again(p);
	r = go_channels_search(p, known->rows, GO_CHANNELS_MAX, &known->n);
	known->error = r;
	if (r < 0 && each == SEARCH_EACH)
		known->scans = 0; /* what was not searched is searched next time */
	return r;
}

enum go_status go_channels_scan(struct go_builder *b)
{
	struct go_process *p = b->process;
	int r = go_process_heap(p);

	if (r == -ENODATA)
		return p->variables.heap ? GO_NO_LAYOUT : GO_NO_VARIABLE;
	if (r == 0)
		r = update(p, b->request->stacks ? SEARCH_EACH : SEARCH_RARE);
	for (size_t i = 0; r == 0 && i < p->channels->n; i++)
		tell(b, &p->channels->rows[i]);
	if (r == 0 && b->report->n_channels && b->request->stacks)
		r = go_holders_tell(b);
	return go_status_of(r);
}
