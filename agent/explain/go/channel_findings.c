// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues that never shed. A channel with room for a few hundred items passes on to its senders that
 * its taker is slow; one with room for what the program cannot hold, or for as many as no taker
 * catches up with, hides it until the memory ends. So the accusation needs both: a capacity that is
 * absurd, by the memory limit or by itself, and a queue that fills or stands filled (channels.h).
 * A large channel that is drained is nobody's business.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/explain/bounds.h"
#include "agent/explain/go/source.h"
#include "agent/model/escape.h"
#include "agent/model/go_function.h"
#include "agent/runtime/go/go.h"

#define CAPACITY_ABSURD 100000 /* items, however small */
#define LIMIT_PART	8      /* of the memory limit: one of so many parts is considerable */

/* The bytes that the program may have, and who says so. */
struct limit {
	uint64_t bytes; /* 0: not known */
	const char *source;
};

static struct limit find_limit(const struct go_source *s)
{
	const struct go_collector *c = &s->report->collector;
	struct explain_bounds bounds;
	const struct bound *memory = &bounds.bounds[SLOT_MEMORY];
	struct limit limit = { 0 };

	explain_bounds_read(s->options->pid, &bounds);
	if (memory->source != BOUND_NONE)
		limit = (struct limit){ memory->limit, bound_source_name(memory->source) };
	if (s->report->status[GO_COLLECTOR] == GO_READ && c->memory_limit < INT64_MAX &&
	    (!limit.bytes || c->memory_limit < limit.bytes))
		limit = (struct limit){ c->memory_limit, bound_source_name(BOUND_GO_MEMORY_LIMIT) };
	return limit;
}

static double bytes_of(const struct go_channel *c, uint64_t items)
{
	return (double)items * ((double)c->item_bytes + (double)c->kept);
}

static bool is_absurd(const struct go_channel *c, const struct limit *limit)
{
	return c->capacity >= CAPACITY_ABSURD ||
	       (limit->bytes && bytes_of(c, c->capacity) * LIMIT_PART >= (double)limit->bytes);
}

/* Where it was made, if that is one place; else where somebody stands that has it. */
static void choose_stack(const struct go_channel *c, uint16_t *ret_first, uint16_t *ret_n)
{
	bool sender = c->n_makers != 1 && c->n_sender;
	bool holder = c->n_makers != 1 && !sender && c->n_holder;

	*ret_first = sender ? c->sender : holder ? c->holder : c->makers;
	*ret_n = sender ? c->n_sender : holder ? c->n_holder : c->n_makers > 0;
}

static int set_frames(const struct go_source *s, const struct go_channel *c, struct finding *f)
{
	uint16_t first, n;
	int r = 0;

	choose_stack(c, &first, &n);

	f->frames = calloc(SITE_FRAMES, sizeof(*f->frames));
	if (!f->frames)
		return -ENOMEM;
	for (uint16_t i = 0; r == 0 && i < n; i++)
		r = go_frames_add(s->report, s->report->stacks[first + i], s->module, f->frames,
				  &f->n_frames);
	if (!f->n_frames)
		f->reason = "the code does not tell where it was made";
	return r;
}

/* The innermost function of a stack that is the program's own, "" when there is none. */
static const char *own_function(const struct go_report *r, uint16_t first, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		const struct go_code *code = &r->codes[r->stacks[first + i]];

		for (uint16_t k = 0; k < code->n; k++) {
			const char *name = go_string(r, r->places[code->first + k].function);

			if (!go_function_is_standard(name))
				return name;
		}
	}
	return "";
}

static void add_who(struct finding *f, const struct go_report *r, uint16_t first, uint16_t n,
		    const char *words)
{
	const char *name = own_function(r, first, n);
	char escaped[128];

	if (!*name)
		return;
	escape_bytes(escaped, sizeof(escaped), name, strlen(name));
	text_append(f->evidence, sizeof(f->evidence), "%s %s", words, escaped);
}

static void add_size(struct finding *f, const struct go_channel *c, const struct limit *limit)
{
	double full = bytes_of(c, c->capacity);
	char now[32], then[32], most[32];

	text_format_bytes(bytes_of(c, c->items), now, sizeof(now));
	text_format_bytes(full, then, sizeof(then));
	text_format_bytes((double)limit->bytes, most, sizeof(most));
	text_append(f->evidence, sizeof(f->evidence),
		    "%" PRIu64 " of %" PRIu64 " places filled, each %u B", c->items, c->capacity,
		    c->item_bytes);
	if (c->kept)
		text_append(f->evidence, sizeof(f->evidence), " and %" PRIu64 " B that it leads to",
			    c->kept);
	text_append(f->evidence, sizeof(f->evidence), ": %s now, %s when full", now, then);
	if (limit->bytes)
		text_append(f->evidence, sizeof(f->evidence), ", which is %.1f %% of %s (%s)",
			    full / (double)limit->bytes * 100, limit->source, most);
}

static void set_evidence(const struct go_source *s, const struct go_channel *c,
			 const struct gochannel *seen, const struct limit *limit, struct finding *f)
{
	add_size(f, c, limit);
	text_append(f->evidence, sizeof(f->evidence),
		    "; %" PRIu64 " put in and %" PRIu64 " taken out during the watch", seen->sent,
		    seen->taken);
	for (uint16_t i = 0; c->n_makers > 1 && i < c->n_makers; i++)
		add_who(f, s->report, c->makers + i, 1, i ? " or" : "; made in");
	for (uint16_t i = 0; i < c->n_senders; i++)
		add_who(f, s->report, c->senders + i, 1, i ? " or" : "; its package sends in");
	add_who(f, s->report, c->sender, c->n_sender, "; a goroutine waits to send in");
	add_who(f, s->report, c->holder, c->n_holder, "; at hand of a goroutine in");
}

static int add_finding(const struct go_source *s, const struct go_channel *c,
		       const struct limit *limit, struct findings *list)
{
	const struct gochannel *seen = gochannels_find(&s->channels, c);
	struct finding *f;

	if (!seen || (!s->options->resource && !is_absurd(c, limit)))
		return 0;
	f = findings_add(list);
	if (!f)
		return -ENOMEM;
	f->resource = "channel";
	f->verdict = gochannel_judge(seen);
	f->live = c->items;
	f->live_bytes = (uint64_t)bytes_of(c, c->items);
	f->created = seen->items[0] + seen->sent;
	f->destroyed = seen->taken;
	f->growth_per_hour = gochannel_growth(seen);
	f->bound = c->capacity;
	f->bound_source = "its capacity";
	if (f->verdict == SITE_KEEPS && is_absurd(c, limit))
		f->pattern = "unbounded-channel";
	set_evidence(s, c, seen, limit, f);
	return set_frames(s, c, f);
}

int go_findings_channels(const struct go_source *s, struct findings *ret)
{
	struct limit limit;
	int r = 0;

	if (s->report->status[GO_CHANNELS] != GO_READ || !s->report->n_channels)
		return 0;
	limit = find_limit(s);
	for (uint32_t i = 0; r == 0 && i < s->report->n_channels; i++)
		r = add_finding(s, &s->report->channels[i], &limit, ret);
	return r;
}
