// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings as the program asked for them: an object is an address range of one mmap(), of which
 * munmap() may cut a piece off either end or out of the middle. The kernel merges neighbours, so
 * that its count of mappings can be lower.
 */
#include "agent/explain/acquire/account_impl.h"

struct cut {
	struct account *account;
	uint64_t from, to; /* the range that is gone */
	double now;
};

static uint64_t key_of(uint64_t address)
{
	return ACQUIRE_KEY(ACQUIRE_CLASS_MAPPING, address & ACQUIRE_KEY_NUMBER);
}

/* The head is gone: the same object, with a later beginning. */
static void move_mapping(struct account *a, struct site *site, struct site_life *life,
			 uint64_t gone)
{
	struct site_life rest = *life;

	life->weight = 0;
	sites_destroy(a->sites, life->key, life->born);
	rest.key += gone;
	rest.bytes -= gone;
	account_add(a, site, rest.key, rest.born, rest.weight, rest.bytes);
}

/* What is left of a mapping is one object still: it ends with its last byte. */
static void cut_mapping(void *context, struct site *site, struct site_life *life)
{
	const struct cut *cut = context;
	uint64_t from = life->key & ACQUIRE_KEY_NUMBER, to = from + life->bytes, gone;

	if (life->key >> 56 != ACQUIRE_CLASS_MAPPING || from >= cut->to || to <= cut->from)
		return;
	gone = (to < cut->to ? to : cut->to) - (from > cut->from ? from : cut->from);
	if (gone >= life->bytes)
		sites_destroy(cut->account->sites, life->key, cut->now);
	else if (from >= cut->from)
		move_mapping(cut->account, site, life, gone);
	else
		life->bytes -= gone;
}

static void unmap(struct account *a, uint64_t address, uint64_t bytes, double now)
{
	struct cut cut = { a, address, address + bytes, now };
	struct site_life *life = sites_find(a->sites, key_of(address), NULL);

	if (life && life->bytes == bytes)
		sites_destroy(a->sites, life->key, now);
	else
		sites_each(a->sites, cut_mapping, &cut);
}

static void map(struct account *a, const struct acquire_event *e, struct site *site,
		uint64_t address, uint64_t bytes)
{
	if (e->weight > 1)
		a->sampled[ACQUIRE_CLASS_MAPPING] = true;
	account_add(a, site, key_of(address), event_seconds(e), e->weight, bytes);
}

void account_mapping(struct account *a, const struct acquire_event *e, struct site *site)
{
	double now = event_seconds(e);

	switch (e->how) {
	case ACQUIRE_MAP:
		if (e->extra)
			unmap(a, e->id, e->other, now);
		map(a, e, site, e->id, e->other);
		break;
	case ACQUIRE_UNMAP:
		unmap(a, e->id, e->other, now);
		break;
	case ACQUIRE_REMAP:
		unmap(a, e->extra, e->other, now);
		map(a, e, site, e->id, e->other);
		break;
	case ACQUIRE_BREAK:
		/* After exec the end before is not known: the heap is new. */
		if (e->id < e->other)
			unmap(a, e->id, e->other - e->id, now);
		else if (e->other)
			map(a, e, site, e->other, e->id - e->other);
		break;
	}
}
