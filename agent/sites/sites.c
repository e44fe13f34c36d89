// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/sites/sites.h"

#define SITE_BUCKETS   1024
#define OBJECT_BUCKETS 16384

/* Where the living object of a key is. */
struct place {
	uint64_t key;
	struct site *site;
	size_t index;
	struct place *next;
};

struct sites {
	struct site *first;
	size_t n;
	struct site *by_stack[SITE_BUCKETS];
	struct place *by_key[OBJECT_BUCKETS];
};

int sites_new(struct sites **ret)
{
	struct sites *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*ret = s;
	return 0;
}

static void site_free(struct site *site)
{
	free(site->pcs);
	site_frames_free(site->frames, site->n_frames);
	free(site->lives);
	free(site);
}

void sites_free(struct sites *s)
{
	if (!s)
		return;
	for (struct site *site = s->first, *next; site; site = next) {
		next = site->next;
		site_free(site);
	}
	for (size_t i = 0; i < OBJECT_BUCKETS; i++) {
		for (struct place *p = s->by_key[i], *next; p; p = next) {
			next = p->next;
			free(p);
		}
	}
	free(s);
}

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/, over words. */
static uint64_t hash_add(uint64_t hash, uint64_t word)
{
	return (hash ^ word) * 0x100000001b3ULL;
}

static size_t stack_bucket(enum seep_slot slot, const uint64_t *pcs, size_t n)
{
	uint64_t hash = hash_add(0xcbf29ce484222325ULL, slot);

	for (size_t i = 0; i < n; i++)
		hash = hash_add(hash, pcs[i]);
	return (hash ^ hash >> 32) % SITE_BUCKETS;
}

static struct place **key_bucket(struct sites *s, uint64_t key)
{
	uint64_t hash = key * 0x9e3779b97f4a7c15ULL; /* Knuth's multiplicative hash, 2^64 / phi */

	return &s->by_key[hash >> 32 & (OBJECT_BUCKETS - 1)];
}

static bool same_site(const struct site *site, enum seep_slot slot, const char *reason,
		      const uint64_t *pcs, size_t n)
{
	return site->slot == slot && site->reason == reason && site->n_pcs == n &&
	       (n == 0 || memcmp(site->pcs, pcs, n * sizeof(*pcs)) == 0);
}

static struct site *site_new(enum seep_slot slot, const char *reason, const uint64_t *pcs, size_t n)
{
	struct site *site = calloc(1, sizeof(*site));

	if (!site)
		return NULL;
	*site = (struct site){ .slot = slot, .reason = reason, .n_pcs = n };
	if (n == 0)
		return site;
	site->pcs = calloc(n, sizeof(*pcs));
	if (!site->pcs) {
		site_free(site);
		return NULL;
	}
	memcpy(site->pcs, pcs, n * sizeof(*pcs));
	return site;
}

struct site *sites_get(struct sites *s, enum seep_slot slot, const char *reason,
		       const uint64_t *pcs, size_t n)
{
	struct site **bucket = &s->by_stack[stack_bucket(slot, pcs, n)];
	struct site *site;

	for (site = *bucket; site; site = site->next_hash)
		if (same_site(site, slot, reason, pcs, n))
			return site;
	if (s->n >= SITES_MAX)
		return NULL;
	site = site_new(slot, reason, pcs, n);
	if (!site)
		return NULL;
	s->n++;
	site->next = s->first;
	s->first = site;
	site->next_hash = *bucket;
	*bucket = site;
	return site;
}

struct site *sites_first(const struct sites *s)
{
	return s->first;
}

static struct place **find_place(struct sites *s, uint64_t key)
{
	struct place **p = key_bucket(s, key);

	while (*p && (*p)->key != key)
		p = &(*p)->next;
	return p;
}

struct site_life *sites_find(struct sites *s, uint64_t key, struct site **ret_site)
{
	struct place *p = *find_place(s, key);

	if (!p)
		return NULL;
	if (ret_site)
		*ret_site = p->site;
	return &p->site->lives[p->index];
}

static void end_place(struct place **p, double now)
{
	struct place *gone = *p;

	gone->site->lives[gone->index].died = now;
	*p = gone->next;
	free(gone);
}

bool sites_destroy(struct sites *s, uint64_t key, double now)
{
	struct place **p = find_place(s, key);

	if (!*p)
		return false;
	end_place(p, now);
	return true;
}

static int make_room(struct site *site)
{
	size_t capacity = site->capacity ? 2 * site->capacity : 8;
	struct site_life *lives;

	if (site->n_lives < site->capacity)
		return 0;
	lives = reallocarray(site->lives, capacity, sizeof(*lives));
	if (!lives)
		return -ENOMEM;
	site->lives = lives;
	site->capacity = capacity;
	return 0;
}

int sites_create(struct sites *s, struct site *site, const struct site_life *life)
{
	struct place *p;

	sites_destroy(s, life->key, life->born);
	p = malloc(sizeof(*p));
	if (!p || make_room(site) < 0) {
		free(p);
		return -ENOMEM;
	}
	*p = (struct place){ life->key, site, site->n_lives, *key_bucket(s, life->key) };
	*key_bucket(s, life->key) = p;
	site->lives[site->n_lives] = *life;
	site->lives[site->n_lives++].died = INFINITY;
	return 0;
}

void sites_each(struct sites *s,
		void (*f)(void *context, struct site *site, struct site_life *life), void *context)
{
	for (size_t i = 0; i < OBJECT_BUCKETS; i++) {
		for (struct place *p = s->by_key[i], *next; p; p = next) {
			next = p->next;
			f(context, p->site, &p->site->lives[p->index]);
		}
	}
}
