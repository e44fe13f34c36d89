// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "agent/explain/gomaps.h"

#define SEEN_LEAST  3	/* windows */
#define GROWN_LEAST 32	/* keys */
#define GROWN_PART  0.1 /* of what it holds in the end */
#define HALF_PART   0.1 /* of its growth, in each half of the watch */

static struct gomap *find(struct gomaps *m, uint64_t address)
{
	size_t i = (size_t)((address * 0x9e3779b97f4a7c15ull) >> 32) % GOMAPS_SLOTS;

	while (m->slots[i].address && m->slots[i].address != address)
		i = (i + 1) % GOMAPS_SLOTS;
	return &m->slots[i];
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
		*map = (struct gomap){ .address = address,
				       .first = birth->size,
				       .first_at = birth->born };
	}
	map->shrunk += birth->size < map->last;
	map->seen++;
	map->key = birth->key;
	map->last = birth->size;
	map->last_at = birth->born;
	if (birth->born < m->half)
		map->middle = birth->size;
	return 0;
}

void gomaps_clear(struct gomaps *m)
{
	free(m->slots);
	m->slots = NULL;
}

bool gomap_keeps(const struct gomap *m)
{
	double grown = (double)m->last - (double)m->first;

	return m->seen >= SEEN_LEAST && m->shrunk == 0 && m->middle && grown >= GROWN_LEAST &&
	       grown >= GROWN_PART * (double)m->last &&
	       (double)(m->middle - m->first) >= HALF_PART * grown &&
	       (double)(m->last - m->middle) >= HALF_PART * grown;
}
