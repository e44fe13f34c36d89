// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "agent/explain/gomaps.h"

#define SEEN_LEAST  3	/* windows */
#define GROWN_LEAST 32	/* keys */
#define GROWN_PART  0.2 /* of what it holds in the end: less can be the rise of a daily swing */
#define HALF_PART   0.1 /* of its growth, in each half of the watch */

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

	map->shrunk |= i > 0 && birth->size < map->looks[i - 1].keys;
	map->looks[i] = (struct gomap_look){ .at = birth->born, .keys = birth->size };
}

struct gomap_look gomap_first(const struct gomap *m)
{
	return m->looks[0];
}

struct gomap_look gomap_last(const struct gomap *m)
{
	return m->looks[m->n - 1];
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

/* Keys at the last look of the first half. */
static uint64_t middle(const struct gomap *m)
{
	uint64_t half = m->looks[0].at + (gomap_last(m).at - m->looks[0].at) / 2;
	unsigned int i = 0;

	while (i + 1 < m->n && m->looks[i + 1].at <= half)
		i++;
	return m->looks[i].keys;
}

bool gomap_grows(const struct gomap *m)
{
	double first = (double)m->looks[0].keys, last = (double)gomap_last(m).keys;
	double grown = last - first, half = (double)middle(m);

	return m->n >= SEEN_LEAST && !m->shrunk && grown >= GROWN_LEAST &&
	       half - first >= HALF_PART * grown && last - half >= HALF_PART * grown;
}

bool gomap_keeps(const struct gomap *m)
{
	double last = (double)gomap_last(m).keys;

	return gomap_grows(m) && last - (double)m->looks[0].keys >= GROWN_PART * last;
}
