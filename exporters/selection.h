/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which groups and suspects are exported. What a cap keeps out is summed where a sum has a meaning,
 * and counted by model's dropped[].
 */
#pragma once

#include "agent/model/model.h"

struct selection {
	const struct model_group **groups; /* at most group_cap, in the model's order */
	size_t n_groups;
	struct model_group
		*other; /* the sum of the rest, named "other"; NULL when nothing is left */
	struct suspect *suspects; /* at most process_cap, those of one process side by side */
	size_t n_suspects;
};

/* Chooses the groups that move, then those nearest to a bound, then the largest. -ENOMEM. */
int selection_new(const struct model *m, struct selection **ret);
void selection_free(struct selection *s);

/* Add to m->dropped what the caps keep out of this census; once a census. */
void selection_count_drops(struct model *m);

static inline void selection_freep(struct selection **s)
{
	selection_free(*s);
}
