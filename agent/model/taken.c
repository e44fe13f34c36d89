// SPDX-License-Identifier: GPL-2.0-only
#include "agent/model/model.h"
#include "agent/model/taken.h"

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static struct taken resident_of(const struct model_cell *cells)
{
	return (struct taken){ cells[SLOT_MEMORY_FILE].live, cells[SLOT_MEMORY_SHMEM].live };
}

struct taken taken_measure(struct taken_base *base, const struct model_cell *cells,
			   uint64_t virtual_bytes, double now, double window)
{
	struct taken now_resident = resident_of(cells);
	int64_t room;

	if (!base->settles)
		base->settles = now + window;
	if (now <= base->settles) {
		base->address_space = (int64_t)virtual_bytes;
		base->resident = now_resident;
		return now_resident;
	}
	base->address_space = least(base->address_space, (int64_t)virtual_bytes);
	base->resident.file = least(base->resident.file, now_resident.file);
	base->resident.shmem = least(base->resident.shmem, now_resident.shmem);
	room = (int64_t)virtual_bytes - base->address_space;
	return (struct taken){ least(now_resident.file, base->resident.file + room),
			       least(now_resident.shmem, base->resident.shmem + room) };
}

int64_t taken_of(const struct model_cell *cells, enum seep_slot slot, const struct taken *t)
{
	struct taken resident = resident_of(cells);

	switch (slot) {
	case SLOT_MEMORY_FILE:
		return t->file;
	case SLOT_MEMORY_SHMEM:
		return t->shmem;
	case SLOT_MEMORY:
		return cells[slot].live - resident.file - resident.shmem + t->file + t->shmem;
	default:
		return cell_old_or_live(&cells[slot]);
	}
}
