// SPDX-License-Identifier: GPL-2.0-only
/* The account against the truth: what is older than the watch, and at the end what really lives. */
#include <errno.h>
#include <math.h>

#include "agent/explain/account_impl.h"

static const char reason_older[] = "older than the watch";
static const char reason_unseen[] = "not seen being created";

/*
 * Two threads: one closes 7, the other opens and gets 7, and the events of both come in the other
 * order. An object that seems to have ended this soon after it began, and is there, is alive.
 */
#define RACE_SECONDS 0.01

static int (*const readers[ACQUIRE_CLASS_MAX])(pid_t pid, struct truth *ret) = {
	[ACQUIRE_CLASS_FD] = truth_descriptors,
	[ACQUIRE_CLASS_TIMER] = truth_timers,
	[ACQUIRE_CLASS_WATCH] = truth_watches,
	[ACQUIRE_CLASS_MAPPING] = truth_mappings,
};

static uint64_t key_of(enum acquire_class class, const struct truth_object *o)
{
	if (class == ACQUIRE_CLASS_WATCH)
		return ACQUIRE_KEY_WATCH(o->other, o->id);
	return ACQUIRE_KEY(class, o->id & ACQUIRE_KEY_NUMBER);
}

static uint64_t bytes_of(enum acquire_class class, const struct truth_object *o)
{
	return class == ACQUIRE_CLASS_MAPPING ? o->other - o->id : 0;
}

/* Threads and children are one class of keys and two lists. */
static int read_truth(pid_t pid, enum acquire_class class, bool children, struct truth *ret)
{
	if (class != ACQUIRE_CLASS_TASK)
		return readers[class](pid, ret);
	return children ? truth_children(pid, ret) : truth_threads(pid, ret);
}

static void seed_rows(struct account *l, enum acquire_class class, const struct truth *truth,
		      void (*follow)(void *context, uint64_t key), void *context)
{
	for (size_t i = 0; i < truth->n; i++) {
		const struct truth_object *o = &truth->rows[i];
		uint64_t key = key_of(class, o);

		follow(context, key);
		if (!sites_find(l->sites, key, NULL))
			account_add(l, sites_get(l->sites, o->slot, reason_older, NULL, 0), key,
				    -INFINITY, 1, bytes_of(class, o));
	}
}

int account_seed(struct account *l, const bool classes[ACQUIRE_CLASS_MAX], double now,
		 void (*follow)(void *context, uint64_t key), void *context)
{
	struct truth truth = { 0 };
	int r = 0;

	for (int class = 0; class < ACQUIRE_CLASS_MAX && r >= 0; class ++) {
		for (int children = 0; children <= (class == ACQUIRE_CLASS_TASK); children++) {
			if (!classes[class])
				continue;
			r = read_truth(l->pid, class, children, &truth);
			if (r >= 0)
				seed_rows(l, class, &truth, follow, context);
		}
	}
	truth_clear(&truth);
	l->seeded = now;
	return r == -ESRCH ? r : 0;
}

struct settling {
	struct account *account;
	enum acquire_class class;
	const struct truth *truth;
	double now;
};

static bool is_mapped(const struct truth *truth, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < truth->n && truth->rows[i].id < to; i++)
		if (truth->rows[i].other > from)
			return true;
	return false;
}

static bool still_lives(const struct settling *s, const struct site_life *life)
{
	uint64_t id = life->key & ACQUIRE_KEY_NUMBER;

	switch (s->class) {
	case ACQUIRE_CLASS_WATCH:
		return truth_find(s->truth, (uint32_t)id, id >> 32);
	case ACQUIRE_CLASS_MAPPING:
		return is_mapped(s->truth, id, id + life->bytes);
	case ACQUIRE_CLASS_TASK:
		return truth_find_id(s->truth, id) || truth_child((pid_t)id) != SLOT_MAX;
	default:
		return truth_find_id(s->truth, id);
	}
}

static void settle_one(void *context, struct site *site, struct site_life *life)
{
	const struct settling *s = context;

	if (life->key >> 56 == s->class && !still_lives(s, life))
		sites_destroy(s->account->sites, life->key, s->now);
}

/* The last object of a key, if events of two threads may have come in the wrong order. */
static struct site_life *find_raced(struct account *l, uint64_t key, struct site **ret_site)
{
	struct site_life *last = NULL;

	for (struct site *site = sites_first(l->sites); site; site = site->next) {
		for (size_t i = 0; i < site->n_lives; i++) {
			struct site_life *life = &site->lives[i];

			if (life->key == key && life->weight &&
			    (!last || life->born > last->born)) {
				last = life;
				*ret_site = site;
			}
		}
	}
	return last && last->died - last->born < RACE_SECONDS ? last : NULL;
}

/* What is there and has no living object: raced, received by a way that is not watched, or
 * io_uring. */
static void enter_unseen(struct account *l, enum acquire_class class, const struct truth *truth,
			 double now)
{
	for (size_t i = 0; i < truth->n; i++) {
		const struct truth_object *o = &truth->rows[i];
		uint64_t key = key_of(class, o);
		struct site *site;
		struct site_life *raced;

		if (sites_find(l->sites, key, NULL))
			continue;
		raced = find_raced(l, key, &site);
		if (raced) {
			struct site_life again = *raced;

			raced->weight = 0;
			account_add(l, site, key, again.born, again.weight, again.bytes);
			continue;
		}
		account_add(l, sites_get(l->sites, o->slot, reason_unseen, NULL, 0), key, now, 1,
			    bytes_of(class, o));
	}
}

static int settle_class(struct account *l, enum acquire_class class, bool enter, double now)
{
	struct truth truth = { 0 };
	struct settling s = { .account = l, .class = class, .truth = &truth, .now = now };
	int r = read_truth(l->pid, class, false, &truth);

	if (r >= 0) {
		sites_each(l->sites, settle_one, &s);
		/* Ranges of mappings cannot be told apart; of what is sampled most is not known. */
		if (enter && class != ACQUIRE_CLASS_MAPPING && !l->sampled[class])
			enter_unseen(l, class, &truth, now);
	}
	truth_clear(&truth);
	return r;
}

int account_settle_descriptors(struct account *l, double now)
{
	int r = settle_class(l, ACQUIRE_CLASS_FD, false, now);

	return r < 0 ? r : settle_class(l, ACQUIRE_CLASS_WATCH, false, now);
}

int account_settle(struct account *l, const bool classes[ACQUIRE_CLASS_MAX], double now)
{
	int r = 0;

	for (int class = 0; class < ACQUIRE_CLASS_MAX && r != -ESRCH; class ++)
		if (classes[class])
			r = settle_class(l, class, true, now);
	return r == -ESRCH ? r : 0;
}
