// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/text.h"
#include "agent/probe/ladder.h"

static const char *refusal(int reason)
{
	switch (reason) {
	case -ENOENT:
	case -ESRCH:
	case -EINVAL:
	case -EOPNOTSUPP:
		return "not in this kernel";
	case -EPERM:
	case -EACCES:
		return "not permitted";
	default:
		return strerror(-reason);
	}
}

static void add_reason(struct ladder_hold *h, const char *rung, int reason)
{
	text_append(h->reason, sizeof(h->reason), "%s%s: %s", *h->reason ? ", " : "", rung,
		    refusal(reason));
}

struct ladder_hold ladder_climb(const struct ladder *l,
				int (*attempt)(const char *program, void *context), void *context)
{
	const char *only = getenv("SEEP_RUNG");
	struct ladder_hold h = { 0 };

	for (int i = 0; i < LADDER_RUNGS && l->rungs[i].name; i++) {
		const struct ladder_rung *rung = &l->rungs[i];
		int r;

		if (only && strcmp(only, rung->name) != 0)
			continue;
		r = attempt(rung->program, context);
		if (r == 0) {
			h.rung = rung;
			return h;
		}
		add_reason(&h, rung->name, r);
	}
	return h;
}

void ladder_record(const struct ladder *l, const struct ladder_hold *h, struct model *m)
{
	model_set_rung(m, l->topic, h->rung ? h->rung->name : "census", h->reason);
}
