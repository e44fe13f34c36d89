// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>

#include "agent/explain/gobirths.h"
#include "agent/runtime/go/patterns.h"

static int add_finding(struct gobirths *s, const struct gomap *map, struct findings *list)
{
	struct gomap_look first = gomap_first(map), last = gomap_last(map);
	double seconds = (double)(last.at - first.at) / 1e9;
	struct finding *f = findings_add(list);

	if (!f)
		return -ENOMEM;
	f->resource = "goheap";
	f->kind = "map";
	f->verdict = SITE_KEEPS;
	f->live = last.keys;
	f->created = last.keys - first.keys;
	if (seconds > 0)
		f->growth_per_hour = (double)f->created / seconds * 3600;
	gobirths_name(s, GO_BIRTHS_MAPS, map->key, f);
	/* A map of the standard library grows by what the program does elsewhere. */
	f->pattern = go_allocating_function(f) ? "unbounded-map" : go_pattern_of_keeper(f);
	return 0;
}

/* Maps that come and go are the program's business. */
int gomaps_findings(struct gobirths *s, struct findings *ret)
{
	int r = 0;

	for (size_t i = 0; s->maps.slots && i < GOMAPS_SLOTS && r == 0; i++)
		if (s->maps.slots[i].address && gomap_keeps(&s->maps.slots[i]))
			r = add_finding(s, &s->maps.slots[i], ret);
	return r;
}
