// SPDX-License-Identifier: GPL-2.0-only
/* When the heap profile of a Go program is read, and switched on. */
#include <errno.h>
#include <stdlib.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/explain/go/births.h"

static int read_profile(struct gobirths *s)
{
	int r = go_profile_ask(s->reader, s->options->pid, s->reading);

	if (r < 0)
		log_debug(r, "go: the heap profile of process %d cannot be read", s->options->pid);
	return r;
}

/* One that is off begins to tell at once, of what is allocated from now on. */
static int switch_on(struct gobirths *s)
{
	int r = s->options->active ? goprofile_switch_on(&s->profile_switch, s->options->pid,
							 s->reading->rate_at)
				   : -ENODATA;

	s->profile.switched = r == 0;
	return r == 0 ? read_profile(s) : r;
}

int goprofile_look(struct gobirths *s)
{
	double now = clock_seconds(CLOCK_MONOTONIC), began = (double)s->began / NS_PER_S;
	int r;

	if (!s->reading && !(s->reading = calloc(1, sizeof(*s->reading))))
		return -ENOMEM;
	s->profile_due = now + s->options->duration / (GOPROFILE_LOOKS - 2);
	r = read_profile(s);
	if (r == 0 && !s->reading->rate)
		r = switch_on(s);
	return r < 0 ? r : goprofile_add(&s->profile, s->reading, now - began);
}
