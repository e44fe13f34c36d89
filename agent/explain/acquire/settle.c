// SPDX-License-Identifier: GPL-2.0-only
/* The account against the truth: what is older than the watch, and at the end what really lives. */
#include <errno.h>
#include <math.h>

#include "agent/base/cleanup.h"
#include "agent/base/clock.h"
#include "agent/explain/acquire/account_impl.h"

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
static int read_truth(const struct account *a, enum acquire_class class, bool children,
		      struct truth *ret)
{
	if (class == ACQUIRE_CLASS_MAPPING)
		return truth_mappings(a->reader, a->pid, ret);
	if (class != ACQUIRE_CLASS_TASK)
		return readers[class](a->pid, ret);
	return children ? truth_children(a->pid, ret) : truth_threads(a->pid, ret);
}

static void seed_rows(struct account *a, enum acquire_class class, const struct truth *truth,
		      void (*follow)(void *context, uint64_t key), void *context)
{
	for (size_t i = 0; i < truth->n; i++) {
		const struct truth_object *o = &truth->rows[i];
		uint64_t key = key_of(class, o);

		follow(context, key);
		if (!sites_find(a->sites, key, NULL))
			account_add(a, sites_get(a->sites, o->slot, reason_older, NULL, 0), key,
				    -INFINITY, 1, bytes_of(class, o));
	}
}

int account_seed(struct account *a, const bool classes[ACQUIRE_CLASS_MAX],
		 void (*follow)(void *context, uint64_t key), void *context)
{
	struct truth truth = { 0 };
	int r = 0;

	for (int class = 0; class < ACQUIRE_CLASS_MAX && r != -ESRCH; class ++) {
		for (int children = 0; children <= (class == ACQUIRE_CLASS_TASK); children++) {
			if (!classes[class])
				continue;
			r = read_truth(a, class, children, &truth);
			if (r >= 0)
				seed_rows(a, class, &truth, follow, context);
		}
	}
	truth_clear(&truth);
	a->seeded = clock_seconds(CLOCK_MONOTONIC);
	return r == -ESRCH ? r : 0;
}

/* One look at one class: what was there, and when. */
struct settling {
	struct account *account;
	enum acquire_class class;
	const struct look *look;
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
	const struct truth *truth = &s->look->truth;
	uint64_t id = life->key & ACQUIRE_KEY_NUMBER;

	switch (s->class) {
	case ACQUIRE_CLASS_WATCH:
		return truth_find(truth, (uint32_t)id, id >> 32);
	case ACQUIRE_CLASS_MAPPING:
		return is_mapped(truth, id, id + life->bytes);
	case ACQUIRE_CLASS_TASK:
		return truth_find_id(truth, id) || truth_child((pid_t)id) != SLOT_MAX;
	default:
		return truth_find_id(truth, id);
	}
}

static void settle_one(void *context, struct site *site, struct site_life *life)
{
	const struct settling *s = context;

	if (life->key >> 56 == s->class && life->born < s->look->began && !still_lives(s, life))
		sites_destroy(s->account->sites, life->key, s->look->began);
}

/* The last object of a key; those whose weight was taken away do not count. */
static struct site_life *find_last(struct account *a, uint64_t key, struct site **ret_site)
{
	struct site_life *last = NULL;

	for (struct site *site = sites_first(a->sites); site; site = site->next) {
		for (size_t i = 0; i < site->n_lives; i++) {
			struct site_life *life = &site->lives[i];

			if (life->key == key && life->weight &&
			    (!last || life->born > last->born)) {
				last = life;
				*ret_site = site;
			}
		}
	}
	return last;
}

static void revive(struct account *a, struct site *site, struct site_life *life)
{
	struct site_life again = *life;

	life->weight = 0;
	account_add(a, site, again.key, again.born, again.weight, again.bytes);
}

/* Was there, and no living object is: raced, come by a way that is not watched, or ended since. */
static void enter_unseen(struct account *a, enum acquire_class class, const struct look *look)
{
	for (size_t i = 0; i < look->truth.n; i++) {
		const struct truth_object *o = &look->truth.rows[i];
		uint64_t key = key_of(class, o);
		struct site *site;
		struct site_life *last;

		if (sites_find(a->sites, key, NULL))
			continue;
		last = find_last(a, key, &site);
		if (last && last->died >= look->began)
			continue;
		if (last && last->died - last->born < RACE_SECONDS)
			revive(a, site, last);
		else
			account_add(a, sites_get(a->sites, o->slot, reason_unseen, NULL, 0), key,
				    look->began, 1, bytes_of(class, o));
	}
}

static int look_at(struct account *a, enum acquire_class class)
{
	struct look *look = &a->looks[class];

	look->began = clock_seconds(CLOCK_MONOTONIC);
	look->done = read_truth(a, class, false, &look->truth) >= 0;
	return look->done ? 0 : -ESRCH;
}

static void settle_class(struct account *a, enum acquire_class class, bool enter)
{
	struct look *look = &a->looks[class];
	struct settling s = { .account = a, .class = class, .look = look };

	if (!look->done)
		return;
	sites_each(a->sites, settle_one, &s);
	/* Ranges of mappings cannot be told apart; of what is sampled most is not known. */
	if (enter && class != ACQUIRE_CLASS_MAPPING && !a->sampled[class])
		enter_unseen(a, class, look);
	truth_clear(&look->truth);
	look->done = false;
}

void account_executed(struct account *a)
{
	static const enum acquire_class classes[] = { ACQUIRE_CLASS_FD, ACQUIRE_CLASS_WATCH };

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (look_at(a, classes[i]) == 0)
			settle_class(a, classes[i], false);
}

/* Its last thread has exited: it holds nothing, and that says nothing about its sites. */
static bool has_ended(pid_t pid)
{
	struct truth threads = { 0 };
	bool others = truth_threads(pid, &threads) == 0 && threads.n > 0;

	truth_clear(&threads);
	return !others && truth_child(pid) != SLOT_PROCESS_CHILD;
}

void account_look(struct account *a, const bool classes[ACQUIRE_CLASS_MAX])
{
	if (has_ended(a->pid))
		return;
	for (int class = 0; class < ACQUIRE_CLASS_MAX; class ++)
		if (classes[class])
			look_at(a, class);
}

void account_settle(struct account *a)
{
	for (int class = 0; class < ACQUIRE_CLASS_MAX; class ++)
		settle_class(a, class, true);
}
