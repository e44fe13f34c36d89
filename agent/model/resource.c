// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "agent/model/resource.h"

static struct slot_info slots[SLOT_MAX] = {
#define X(slot, resource, kind, unit, help)                                                        \
	[SLOT_##slot] = { resource, kind, UNIT_##unit, help, SLOT_MAX },
	SEEP_SLOTS(X)
#undef X
};

/* A total stands before its kinds, so the last total seen is the one that a slot belongs to. */
__attribute__((constructor)) static void link_totals(void)
{
	enum seep_slot total = 0;

	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		if (!slots[s].kind)
			total = s;
		slots[s].total = total;
	}
}

const struct slot_info *slot_info(enum seep_slot slot)
{
	return &slots[slot];
}

enum seep_slot slot_bounded_by(enum seep_slot slot)
{
	enum seep_slot total = slots[slot].total;
	bool descriptors = total == SLOT_TCP || total == SLOT_UDP || total == SLOT_UNIX ||
			   slot == SLOT_TIMER_TIMERFD;

	return descriptors ? SLOT_FD : total;
}

bool slot_is_of_go(enum seep_slot slot)
{
	enum seep_slot total = slots[slot].total;

	return total == SLOT_GOROUTINE || total == SLOT_GOTIMER || total == SLOT_GOHEAP ||
	       total == SLOT_CHANNEL;
}

const char *unit_name(enum seep_unit unit)
{
	return unit == UNIT_BYTES ? "bytes" : "count";
}

enum seep_slot slot_find(const char *resource, const char *kind)
{
	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		if (strcmp(slots[s].resource, resource) != 0)
			continue;
		if (kind == slots[s].kind ||
		    (kind && slots[s].kind && !strcmp(kind, slots[s].kind)))
			return s;
	}
	return SLOT_MAX;
}

bool resource_exists(const char *resource)
{
	return slot_find(resource, NULL) != SLOT_MAX;
}
