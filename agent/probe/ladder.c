// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/probe/ladder.h"

struct ladder_hold ladder_climb(const struct ladder *l, int (*attempt)(const char *program, void *context),
				void *context)
{
	const char *only = getenv("SEEP_RUNG");
	struct ladder_hold h = { NULL, 0 };

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
		h.reason = r;
		log_debug(r, "%s: no %s", l->topic, rung->name);
	}
	return h;
}

static const char *refusal(int reason)
{
	switch (reason) {
	case 0:
		return NULL;
	case -ENOENT:
	case -ESRCH:
	case -EINVAL:
		return "this kernel has no such probe";
	case -EPERM:
	case -EACCES:
		return "not permitted";
	default:
		return strerror(-reason);
	}
}

void ladder_record(const struct ladder *l, const struct ladder_hold *h, struct model *m)
{
	model_set_rung(m, l->topic, h->rung ? h->rung->name : "census", refusal(h->reason));
}
