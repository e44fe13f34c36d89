// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>

#include "agent/model/births.h"

#define SKIP_SLICES (BIRTH_SLICES / 4) /* a start-up makes threads that stay */

void births_begin(struct births *b, double from, double to)
{
	*b = (struct births){ .from = from, .to = to, .oldest = NAN };
}

void births_add(struct births *b, double at)
{
	double share = b->to > b->from ? (at - b->from) / (b->to - b->from) : 0;
	int slice = (int)(share * BIRTH_SLICES);

	slice = slice < 0 ? 0 : slice >= BIRTH_SLICES ? BIRTH_SLICES - 1 : slice;
	b->slices[slice]++;
	b->count++;
	if (isnan(b->oldest) || at < b->oldest)
		b->oldest = at;
}

bool births_steady(const struct births *b, double *ret_per_hour)
{
	const int middle = (SKIP_SLICES + BIRTH_SLICES) / 2;
	uint32_t early = 0, late = 0;

	for (int i = SKIP_SLICES; i < BIRTH_SLICES; i++) {
		if (b->slices[i] == 0)
			return false;
		*(i < middle ? &early : &late) += b->slices[i];
	}
	if (early > 3 * late || late > 3 * early)
		return false;
	*ret_per_hour = (early + late) * 3600.0 /
			((b->to - b->from) * (BIRTH_SLICES - SKIP_SLICES) / BIRTH_SLICES);
	return true;
}
