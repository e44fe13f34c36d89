/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who holds: a process, a group as one, or a network namespace whose ownerless sockets take ports.
 * What lists them alike asks here and not the struct behind.
 */
#pragma once

#include "agent/model/model.h"

struct holder {
	/* One of these is set. */
	const struct model_process *process;
	const struct model_group *group;
	const struct model_netns *netns;
};

const struct model_cell *holder_cell(const struct holder *h, enum seep_slot slot);
/* The bound that limits the slot; one of BOUND_NONE when there is none. */
const struct bound *holder_bound(const struct holder *h, enum seep_slot slot);
/* When that bound is reached: a group whose processes have a bound each reaches it with the first
 * of them. */
struct forecast holder_forecast(const struct holder *h, enum seep_slot slot);
/* The holder is at fault for a bound that is nearly used up: it is its own, or it takes half of it.
 */
bool holder_fills_bound(const struct holder *h, enum seep_slot slot);

/*
 * Where a resource's growth or weight lies: of the slots with the worst verdict the most telling (a
 * TCP state before tcp before fd) that gains at least half of what the largest of them gains, or
 * while nothing moves the total itself. A leak of one kind is told also where the load on others
 * hides it in the total.
 */
enum seep_slot holder_telling_slot(const struct holder *h, enum seep_slot total);

/* "nginx.service/nginx", "netns:4026531840". Always terminated. */
void holder_name(const struct holder *h, char *dst, size_t size);
/* The same with what tells it from its like: "nginx.service/nginx (nginx, pid 812)". */
void holder_full_name(const struct holder *h, char *dst, size_t size);
