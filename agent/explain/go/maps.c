// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "agent/base/clock.h"
#include "agent/explain/go/maps.h"
#include "agent/explain/looks.h"

#define SEEN_LEAST  3	/* windows */
#define GROWN_LEAST 32	/* keys */
#define GROWN_PART  0.2 /* of what it holds in the end: less can be the rise of a daily swing */

static struct gomap *find(struct gomaps *m, uint64_t address)
{
	size_t i = (size_t)((address * 0x9e3779b97f4a7c15ull) >> 32) % GOMAPS_SLOTS;

	while (m->slots[i].address && m->slots[i].address != address)
		i = (i + 1) % GOMAPS_SLOTS;
	return &m->slots[i];
}

static void look(struct gomap *map, const struct survivor_birth *birth)
{
	unsigned int i = map->n < GOMAP_LOOKS ? map->n++ : GOMAP_LOOKS - 1;

	map->shrunk |= i > 0 && birth->size < map->keys[i - 1];
	map->at[i] = (double)birth->born / NS_PER_S;
	map->keys[i] = birth->size;
}

int gomaps_add(void *maps, uint64_t address, const struct survivor_birth *birth)
{
	struct gomaps *m = maps;
	struct gomap *map;

	if (!m->slots && !(m->slots = calloc(GOMAPS_SLOTS, sizeof(*m->slots))))
		return -ENOMEM;
	map = find(m, address);
	if (!map->address && m->n == GOMAPS_MAX)
		return 0;
	if (!map->address) {
		m->n++;
		*map = (struct gomap){ .address = address };
	}
	look(map, birth);
	map->key = birth->key;
	return 0;
}

void gomaps_clear(struct gomaps *m)
{
	free(m->slots);
	m->slots = NULL;
}

uint64_t gomap_grown(const struct gomap *m)
{
	uint64_t first = m->keys[0], last = m->keys[m->n - 1];

	return last > first ? last - first : 0;
}

bool gomap_grows(const struct gomap *m)
{
	return m->n >= SEEN_LEAST && !m->shrunk && gomap_grown(m) >= GROWN_LEAST &&
	       looks_grow_in_both_halves(m->at, m->keys, m->n);
}

bool gomap_keeps(const struct gomap *m)
{
	return gomap_grows(m) && (double)gomap_grown(m) >= GROWN_PART * (double)m->keys[m->n - 1];
}
