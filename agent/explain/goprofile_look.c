// SPDX-License-Identifier: GPL-2.0-only
/* When the heap profile of a Go program is read. */
#include <errno.h>
#include <stdlib.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/explain/gobirths.h"

int goprofile_look(struct gobirths *s)
{
	double now = clock_seconds(CLOCK_MONOTONIC), began = (double)s->began / 1e9;
	int r;

	if (!s->reading && !(s->reading = calloc(1, sizeof(*s->reading))))
		return -ENOMEM;
	s->profile_due = now + s->options->duration / (GOPROFILE_LOOKS - 2);
	r = go_profile_ask(s->reader, s->options->pid, s->reading);
	if (r < 0)
		log_debug(r, "go: the heap profile of process %d cannot be read", s->options->pid);
	if (r == 0 && !s->reading->rate)
		r = -ENODATA;
	return r < 0 ? r : goprofile_add(&s->profile, s->reading, now - began);
}
