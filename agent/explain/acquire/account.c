// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/explain/acquire/account_impl.h"
#include "agent/probe/acquire.h"
#include "agent/sites/reader.h"
#include "agent/sites/shapes.h"

static const char reason_received[] = "received from another process";
static const char reason_no_stack[] = "its stack could not be read";

int account_new(pid_t pid, struct reader *reader, struct account **ret)
{
	struct account *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->pid = pid;
	a->reader = reader;
	naming_init(&a->naming, reader, pid);
	r = sites_new(&a->sites);
	if (r == 0)
		r = shapes_new(&a->shapes);
	if (r < 0) {
		account_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

void account_free(struct account *a)
{
	if (!a)
		return;
	for (int class = 0; class < ACQUIRE_CLASS_MAX; class ++)
		truth_clear(&a->looks[class].truth);
	shapes_free(a->shapes);
	sites_free(a->sites);
	naming_clear(&a->naming);
	free(a);
}

struct sites *account_sites(struct account *a)
{
	return a->sites;
}

void account_losses(const struct account *a, uint64_t ret[LOSS_REASON_MAX])
{
	for (int reason = 0; reason < LOSS_REASON_MAX; reason++)
		ret[reason] += a->lost[reason];
}

/* The reader itself counts what timed out, crashed or was cut off. */
static void count_error(struct account *a, int r)
{
	if (r == -ESRCH)
		a->lost[LOSS_VANISHED]++;
	else if (r == -ENOMEM)
		a->lost[LOSS_NO_MEMORY]++;
	else if (r == -ENODATA)
		a->lost[LOSS_READ_FAULT]++;
}

/* What cannot be named keeps its addresses. */
static void keep_addresses(struct site *site)
{
	site->frames = calloc(site->n_pcs, sizeof(*site->frames));
	for (size_t i = 0; site->frames && i < site->n_pcs; i++) {
		struct site_frame *f = &site->frames[site->n_frames++];

		*f = (struct site_frame){ .pc = site->pcs[i],
					  .function = strdup(""),
					  .file = strdup(""),
					  .module = strdup("") };
	}
}

void account_name_sites(struct account *a)
{
	for (struct site *site = sites_first(a->sites); site; site = site->next) {
		int r;

		if (site->frames || !site->n_pcs)
			continue;
		r = naming_stack(&a->naming, site->pcs, site->n_pcs, &site->frames,
				 &site->n_frames);
		if (r < 0) {
			count_error(a, r);
			keep_addresses(site);
		}
	}
}

/* A site of what the account itself says, without a stack. */
static struct site *site_without_stack(struct account *a, enum seep_slot slot, const char *reason)
{
	return sites_get(a->sites, slot, reason, NULL, 0);
}

/* The addresses of a stack, by the reader if it is a new one. */
static int unwind(struct account *a, const struct stack_copy *stack, uint64_t pcs[SITE_FRAMES],
		  size_t *ret_n)
{
	const uint64_t *known;
	int r;

	if (shapes_find(a->shapes, stack, &known, ret_n)) {
		memcpy(pcs, known, *ret_n * sizeof(*pcs));
		return 0;
	}
	r = reader_unwind(a->reader, a->pid, stack, pcs, SITE_FRAMES, ret_n);
	if (r == 0 && reader_last(a->reader).complete && !reader_last(a->reader).guessed)
		shapes_learn(a->shapes, stack, pcs, *ret_n);
	return r;
}

static struct site *site_of_stack(struct account *a, enum seep_slot slot, const char *reason,
				  const struct stack_copy *stack)
{
	uint64_t pcs[SITE_FRAMES];
	size_t n = 0;
	int r;

	if (!stack)
		return site_without_stack(a, slot, reason ? reason : reason_no_stack);
	r = unwind(a, stack, pcs, &n);
	if (r < 0 || n == 0) {
		count_error(a, r);
		pcs[0] = stack->regs[STACK_RIP];
		n = 1;
	}
	return sites_get(a->sites, slot, reason, pcs, n);
}

void account_add(struct account *a, struct site *site, uint64_t key, double born, uint32_t weight,
		 uint64_t bytes)
{
	struct site_life life = { .born = born, .key = key, .bytes = bytes, .weight = weight };

	if (!site || sites_create(a->sites, site, &life) < 0)
		a->lost[site ? LOSS_NO_MEMORY : LOSS_REFUSED]++;
}

/* The object was seen by the look at the past and by its event: the event knows more. */
static void forget_seeded(struct account *a, uint64_t key, double now)
{
	struct site *site;
	struct site_life *life = sites_find(a->sites, key, &site);

	if (life && isinf(life->born) && now < a->seeded) {
		life->weight = 0;
		sites_destroy(a->sites, key, life->born);
	}
}

static void create(struct account *a, const struct acquire_event *e, struct site *site,
		   uint64_t key, uint64_t bytes)
{
	double now = event_seconds(e);

	forget_seeded(a, key, now);
	if (e->weight > 1)
		a->sampled[key >> 56] = true;
	account_add(a, site, key, now, e->weight ? e->weight : 1, bytes);
}

/* The kind of a copied or received descriptor is that of its source, else what it is now. */
static enum seep_slot slot_of_copy(struct account *a, const struct acquire_event *e, bool source)
{
	struct site *site = NULL;
	enum seep_slot slot;
	uint64_t inode;

	if (source && sites_find(a->sites, ACQUIRE_KEY(ACQUIRE_CLASS_FD, e->other), &site))
		return site->slot;
	slot = truth_descriptor(a->pid, (int)e->id, &inode);
	return slot == SLOT_MAX ? SLOT_FD_OTHER : slot;
}

static void take_descriptor(struct account *a, const struct acquire_event *e,
			    const struct stack_copy *stack)
{
	bool pair = e->how == ACQUIRE_FD_PAIR0 || e->how == ACQUIRE_FD_PAIR3;
	enum seep_slot slot = acquire_call_slot(e->call);
	struct site *site;

	if (slot == SLOT_FD)
		slot = slot_of_copy(a, e, e->how != ACQUIRE_FD);
	site = site_of_stack(a, slot, NULL, stack);
	create(a, e, site, ACQUIRE_KEY(ACQUIRE_CLASS_FD, e->id), 0);
	if (pair)
		create(a, e, site, ACQUIRE_KEY(ACQUIRE_CLASS_FD, e->other), 0);
}

static void receive_descriptors(struct account *a, const struct acquire_event *e,
				const struct stack_copy *stack)
{
	uint32_t fds[ACQUIRE_RECEIVED] = { (uint32_t)e->id, (uint32_t)e->other,
					   (uint32_t)(e->other >> 32), (uint32_t)e->extra };
	struct site *site = site_of_stack(a, slot_of_copy(a, e, false), reason_received, stack);

	for (size_t i = 0; i < ACQUIRE_RECEIVED && fds[i] != UINT32_MAX; i++)
		create(a, e, site, ACQUIRE_KEY(ACQUIRE_CLASS_FD, fds[i]), 0);
}

struct range {
	struct account *account;
	uint64_t class, from, to; /* of keys' numbers, to is the last */
	double now;
};

/* The number that a range of descriptors is about: of a watch, its inotify descriptor. */
static uint64_t range_number(uint64_t key, uint64_t class)
{
	uint64_t id = key & ACQUIRE_KEY_NUMBER;

	return class == ACQUIRE_CLASS_WATCH ? id >> 32 : id;
}

static void end_in_range(void *context, struct site *site, struct site_life *life)
{
	const struct range *r = context;
	uint64_t key = life->key;

	if (key >> 56 == r->class && range_number(key, r->class) >= r->from &&
	    range_number(key, r->class) <= r->to)
		sites_destroy(r->account->sites, key, r->now);
}

void account_end_range(struct account *a, uint64_t class, uint64_t from, uint64_t to, double now)
{
	struct range r = { a, class, from, to, now };

	sites_each(a->sites, end_in_range, &r);
}

/* With an inotify descriptor go its watches. */
static void close_descriptor(struct account *a, uint64_t fd, double now)
{
	struct site *site = NULL;
	uint64_t key = ACQUIRE_KEY(ACQUIRE_CLASS_FD, fd);

	if (!sites_find(a->sites, key, &site))
		return;
	sites_destroy(a->sites, key, now);
	if (site->slot == SLOT_FD_INOTIFY)
		account_end_range(a, ACQUIRE_CLASS_WATCH, fd, fd, now);
}

static void take_watch(struct account *a, const struct acquire_event *e,
		       const struct stack_copy *stack)
{
	uint64_t key = ACQUIRE_KEY_WATCH(e->other, e->id);
	struct site_life *life = sites_find(a->sites, key, NULL);

	/* To watch a path again changes the watch and makes none. */
	if (life && !(isinf(life->born) && event_seconds(e) < a->seeded))
		return;
	create(a, e, site_of_stack(a, SLOT_WATCH, NULL, stack), key, 0);
}

static void child_exits(struct account *a, const struct acquire_event *e)
{
	uint64_t key = ACQUIRE_KEY(ACQUIRE_CLASS_TASK, e->other);
	struct site *site = NULL;
	struct site_life *life = sites_find(a->sites, key, &site);
	uint32_t weight;

	if (!life || site->slot != SLOT_PROCESS_CHILD)
		return;
	weight = life->weight;
	sites_destroy(a->sites, key, event_seconds(e));
	site = sites_get(a->sites, SLOT_PROCESS_ZOMBIE, site->reason, site->pcs, site->n_pcs);
	account_add(a, site, key, event_seconds(e), weight, 0);
}

/* Another program runs: the old addresses mean nothing now, and only descriptors can be left. */
static void execute(struct account *a, double now)
{
	account_name_sites(a);
	reader_forget(a->reader, a->pid);
	shapes_clear(a->shapes);
	account_end_range(a, ACQUIRE_CLASS_MAPPING, 0, UINT64_MAX, now);
	account_end_range(a, ACQUIRE_CLASS_TIMER, 0, UINT64_MAX, now);
	account_executed(a);
}

static void task_event(struct account *a, const struct acquire_event *e,
		       const struct stack_copy *stack)
{
	uint64_t key = ACQUIRE_KEY(ACQUIRE_CLASS_TASK, e->other);

	switch (e->how) {
	case ACQUIRE_THREAD:
		create(a, e, site_of_stack(a, SLOT_THREAD, NULL, stack), key, 0);
		break;
	case ACQUIRE_CHILD:
		create(a, e, site_of_stack(a, SLOT_PROCESS_CHILD, NULL, stack), key, 0);
		break;
	case ACQUIRE_CHILD_EXIT:
		child_exits(a, e);
		break;
	case ACQUIRE_EXEC:
		execute(a, event_seconds(e));
		break;
	default:
		sites_destroy(a->sites, key, event_seconds(e));
	}
}

void account_event(void *context, const struct acquire_event *e, const struct stack_copy *stack)
{
	struct account *a = context;
	double now = event_seconds(e);

	switch (e->how) {
	case ACQUIRE_FD_RECEIVE:
		receive_descriptors(a, e, stack);
		break;
	case ACQUIRE_CLOSE:
		close_descriptor(a, e->id, now);
		break;
	case ACQUIRE_CLOSE_RANGE:
		account_end_range(a, ACQUIRE_CLASS_FD, e->id, e->other, now);
		account_end_range(a, ACQUIRE_CLASS_WATCH, e->id, e->other, now);
		break;
	case ACQUIRE_TIMER:
		create(a, e, site_of_stack(a, SLOT_TIMER_POSIX, NULL, stack),
		       ACQUIRE_KEY(ACQUIRE_CLASS_TIMER, e->id), 0);
		break;
	case ACQUIRE_TIMER_DELETE:
		sites_destroy(a->sites, ACQUIRE_KEY(ACQUIRE_CLASS_TIMER, e->id), now);
		break;
	case ACQUIRE_WATCH:
		take_watch(a, e, stack);
		break;
	case ACQUIRE_WATCH_REMOVE:
		sites_destroy(a->sites, ACQUIRE_KEY_WATCH(e->other, e->id), now);
		break;
	default:
		if (e->how <= ACQUIRE_FD_BPF)
			take_descriptor(a, e, stack);
		else if (e->how <= ACQUIRE_BREAK)
			account_mapping(a, e,
					stack ? site_of_stack(a, SLOT_MAPPING, NULL, stack) : NULL);
		else
			task_event(a, e, stack);
	}
}
