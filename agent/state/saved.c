// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/state/saved.h"

void saved_free(struct saved *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_series; i++)
		series_free(s->series[i].series);
	for (size_t i = 0; i < s->n_owners; i++)
		free(s->owners[i].name);
	free(s->series);
	free(s->owners);
	free(s);
}

/* Room for one more of this size; 0 or -ENOMEM. */
static int reserve(void **array, size_t n, size_t *max, size_t size)
{
	size_t wanted = n + n / 2 + 16;
	void *grown;

	if (n < *max)
		return 0;
	grown = reallocarray(*array, wanted, size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*max = wanted;
	return 0;
}

int saved_add_owner(struct saved *s, struct owner *o)
{
	if (reserve((void **)&s->owners, s->n_owners, &s->max_owners, sizeof(*o))) {
		free(o->name);
		return -ENOMEM;
	}
	s->owners[s->n_owners++] = *o;
	return 0;
}

int saved_add_series(struct saved *s, uint8_t slot, struct series *series, float value)
{
	struct saved_series row = { series, value, (uint32_t)s->n_owners - 1, s->slots[slot] };

	if (reserve((void **)&s->series, s->n_series, &s->max_series, sizeof(row))) {
		series_free(series);
		return -ENOMEM;
	}
	if (row.slot >= SLOT_MAX) {
		series_free(series);
		row.series = NULL;
	}
	s->series[s->n_series++] = row;
	return 0;
}

int saved_get_owners(struct cursor *c, struct saved *s, saved_get_series get)
{
	for (;;) {
		struct owner o = { 0 };
		int r = owner_get(c, &o);

		if (r < 0 || o.kind == OWNER_END)
			return r;
		r = saved_add_owner(s, &o);
		for (unsigned int n = cursor_get_byte(c); r == 0 && n > 0; n--)
			r = get(c, s, o.kind);
		if (r < 0)
			return r;
	}
}

void saved_pass(struct saved *s, double now)
{
	for (size_t i = 0; i < s->n_series; i++) {
		struct saved_series *row = &s->series[i];

		if (row->series && !isnan(row->value))
			series_add(row->series, now, row->value, s->window);
	}
	s->now = now;
}

static bool may_resume(const struct owner *o, bool same_boot)
{
	return same_boot || o->kind == OWNER_GROUP;
}

size_t saved_adopt(struct saved *s, struct model *m, bool same_boot)
{
	size_t adopted = 0;
	const struct taken *taken = NULL;
	struct model_cell *cells = NULL;
	uint32_t owner = UINT32_MAX;

	for (size_t i = 0; i < s->n_series; i++) {
		struct saved_series *row = &s->series[i];
		const struct owner *o = &s->owners[row->owner];

		if (row->owner != owner)
			cells = may_resume(o, same_boot) ? owner_resume(m, o, &taken) : NULL;
		owner = row->owner;
		if (!cells || !row->series)
			continue;
		model_cell_adopt(m, &cells[row->slot], TAKE_PTR(row->series),
				 taken_of(cells, row->slot, taken));
		adopted++;
	}
	return adopted;
}
