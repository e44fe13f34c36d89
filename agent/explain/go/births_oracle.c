// SPDX-License-Identifier: GPL-2.0-only
/* The books' questions to the program's memory, and the names of sites. */
#include <errno.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/explain/cost.h"
#include "agent/explain/go/births.h"

#define CHECK_PART 0.002 /* of a CPU: asking for fates */
#define STEP	   2	 /* of mheap_.sweepgen, from one collection to the next */

static int ask(struct gobirths *s, enum go_oracle oracle, const struct survivor_query *queries,
	       size_t n, struct go_fates *fates, struct survivor_answer *ret)
{
	static const enum survivor_fate words[] = { [GO_FATE_UNKNOWN] = SURVIVOR_UNKNOWN,
						    [GO_FATE_ALIVE] = SURVIVOR_ALIVE,
						    [GO_FATE_DEAD] = SURVIVOR_DEAD };
	int r;

	s->request->oracle = oracle;
	s->request->n = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		s->request->objects[i] = (struct go_object){ .address = queries[i].address,
							     .size = queries[i].size,
							     .generation = queries[i].generation };
	r = go_fates_ask(s->reader, s->options->pid, s->request, fates);
	for (size_t i = 0; i < n && r == 0; i++)
		ret[i] = (struct survivor_answer){ .fate = words[fates->answers[i].fate],
						   .generation = fates->answers[i].generation };
	return r;
}

int gobirths_ask_heap(void *source, const struct survivor_query *queries, size_t n,
		      struct survivor_answer *ret)
{
	struct gobirths *s = source;

	return ask(s, GO_ORACLE_MARKS, queries, n, &s->last, ret);
}

int gobirths_ask_timers(void *source, const struct survivor_query *queries, size_t n,
			struct survivor_answer *ret)
{
	struct gobirths *s = source;

	return ask(s, GO_ORACLE_TIMERS, queries, n, &s->timers_last, ret);
}

int gobirths_ask_readers(void *source, const struct survivor_query *queries, size_t n,
			 struct survivor_answer *ret)
{
	struct gobirths *s = source;
	struct go_fates fates;

	return ask(s, GO_ORACLE_READERS, queries, n, &fates, ret);
}

int gobirths_ask_users(void *source, const struct survivor_query *queries, size_t n,
		       struct survivor_answer *ret)
{
	struct gobirths *s = source;
	struct go_fates fates;

	return ask(s, GO_ORACLE_USERS, queries, n, &fates, ret);
}

struct survivor_oracle gobirths_heap_oracle(struct gobirths *s)
{
	return (struct survivor_oracle){
		.ask = gobirths_ask_heap, .step = STEP, .at_once = GO_OBJECTS_MAX, .context = s
	};
}

int gobirths_check(struct survivors *book, double *ret_due)
{
	double began = cost_own_seconds();
	int r = survivors_check(book);

	*ret_due = clock_seconds(CLOCK_MONOTONIC) + (cost_own_seconds() - began) / CHECK_PART;
	return r;
}

static int name_site(struct gobirths *s, enum go_births births, uint64_t key, struct finding *f)
{
	uint64_t pcs[SURVIVOR_FRAMES];
	struct survivor_site site;
	int r = survivor_site(s->probes[births], key, &site);

	if (r < 0 || site.frames == 0 || site.frames > SURVIVOR_FRAMES)
		return -ENODATA;
	memcpy(pcs, site.pcs, site.frames * sizeof(pcs[0]));
	return go_names_ask(s->reader, s->options->pid, s->module, pcs, site.frames, &f->frames,
			    &f->n_frames);
}

void gobirths_name(struct gobirths *s, enum go_births births, uint64_t key, struct finding *f)
{
	int r = name_site(s, births, key, f);

	if (r == 0)
		return;
	log_debug(r, "go: a site stays unnamed");
	f->reason = r == -ETIMEDOUT ? "naming it took too long" : "the stack was lost";
}
