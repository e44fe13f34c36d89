// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>

#include "agent/runtime/go/panel.h"

#define SPAN_SHIFT 13 /* of small objects: 8 KiB */

static bool is_picked(uint64_t address, uint64_t one_in)
{
	uint64_t h = (address >> SPAN_SHIFT) * 0x9e3779b97f4a7c15ull;

	h = (h ^ h >> 32) * 0xd6e8feb86659fd93ull;
	return ((h ^ h >> 32) & (one_in - 1)) == 0;
}

static size_t pick(struct go_item *items, size_t n, uint64_t one_in, bool keep)
{
	size_t picked = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_picked(items[i].address, one_in))
			continue;
		if (keep)
			items[picked] = items[i];
		picked++;
	}
	return picked;
}

struct go_panel go_panel_pick(struct go_item *items, size_t *n, size_t most)
{
	struct go_panel p = { .all = *n, .read = *n, .one_in = 1 };

	while (most && *n / p.one_in > most)
		p.one_in *= 2;
	/* Objects that all lie in a few spans may have none in the sample. */
	while (p.one_in > 1 && pick(items, *n, p.one_in, false) < *n / p.one_in / 2)
		p.one_in /= 2;
	if (p.one_in > 1)
		p.read = *n = pick(items, *n, p.one_in, true);
	return p;
}

uint64_t go_panel_scale(const struct go_panel *p, uint64_t count)
{
	return p->one_in == 1 || !p->read ? count : (count * p->all + p->read / 2) / p->read;
}

uint64_t go_panel_error(const struct go_panel *p, const struct go_item *items, size_t n)
{
	double squares = 0, run = 0;

	if (p->one_in == 1)
		return 0;
	for (size_t i = 0; i < n; i++) {
		run++;
		if (i + 1 < n &&
		    items[i].address >> SPAN_SHIFT == items[i + 1].address >> SPAN_SHIFT)
			continue;
		squares += run * run;
		run = 0;
	}
	/* Each span is off by half its objects, either way. */
	return (uint64_t)ceil(sqrt(squares / 4 * (double)(p->one_in - 1) * (double)p->one_in));
}
