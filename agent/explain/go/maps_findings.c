// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/explain/go/births.h"
#include "agent/runtime/go/patterns.h"

/* The maps of one site are one finding: a table in parts, the indexes of its columns. */
static void add_map(const struct gomap *map, struct finding *f)
{
	double seconds = map->at[map->n - 1] - map->at[0];
	uint64_t grown = gomap_grown(map);

	f->live += map->keys[map->n - 1];
	f->created += grown;
	if (seconds > 0)
		f->growth_per_hour = (double)grown / seconds * 3600 +
				     (isnan(f->growth_per_hour) ? 0 : f->growth_per_hour);
}

static bool grows(const struct gomaps *m, size_t i, uint64_t key)
{
	return m->slots[i].address && m->slots[i].key == key && gomap_grows(&m->slots[i]);
}

/* From the slot on that is the first of its site. */
static int add_finding(struct gobirths *s, size_t from, struct findings *list)
{
	uint64_t key = s->maps.slots[from].key;
	struct finding *f = findings_add(list);
	unsigned int n = 0;
	bool sure = false;

	if (!f)
		return -ENOMEM;
	f->resource = "goheap";
	f->kind = "map";
	f->verdict = SITE_KEEPS;
	for (size_t i = from; i < GOMAPS_SLOTS; i++) {
		if (!grows(&s->maps, i, key))
			continue;
		add_map(&s->maps.slots[i], f);
		sure |= gomap_keeps(&s->maps.slots[i]);
		n++;
	}
	if (n > 1)
		snprintf(f->evidence, sizeof(f->evidence), "keys of %u maps", n);
	gobirths_name(s, GO_BIRTHS_MAPS, key, f);
	/* What it puts into the map stays. */
	if (!sure && !goheap_keeps_in(list, go_allocating_function(f))) {
		findings_drop_last(list);
		return 0;
	}
	/* A map of the standard library grows by what the program does elsewhere. */
	f->pattern = go_allocating_function(f) ? "unbounded-map" : go_pattern_of_keeper(f);
	return 0;
}

static bool is_first(const struct gomaps *m, size_t i)
{
	uint64_t key = m->slots[i].key;
	bool first = grows(m, i, key);

	for (size_t before = 0; before < i && first; before++)
		first = !grows(m, before, key);
	return first;
}

/* Maps that come and go are the program's business. */
int gomaps_findings(struct gobirths *s, struct findings *ret)
{
	int r = 0;

	for (size_t i = 0; s->maps.slots && i < GOMAPS_SLOTS && r == 0; i++)
		if (is_first(&s->maps, i))
			r = add_finding(s, i, ret);
	return r;
}
