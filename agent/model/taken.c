// SPDX-License-Identifier: GPL-2.0-only
#include "agent/model/model.h"
#include "agent/model/taken.h"

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static struct taken resident_of(const struct model_cell *cells)
{
	return (struct taken){ .file = cells[SLOT_MEMORY_FILE].live,
			       .shmem = cells[SLOT_MEMORY_SHMEM].live };
}

/* Pages of files and of shared memory. */
static struct taken measure_pages(struct taken_base *base, const struct model_cell *cells,
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
	return (struct taken){
		.file = least(now_resident.file, base->resident.file + room),
		.shmem = least(now_resident.shmem, base->resident.shmem + room),
	};
}

struct taken taken_measure(struct taken_base *base, const struct model_cell *cells,
			   uint64_t virtual_bytes, uint64_t fresh, double now, double window)
{
	struct taken t = measure_pages(base, cells, virtual_bytes, now, window);

	/* It was read at another moment, and some of it may be swapped out or not touched yet. */
	t.fresh = least(most(cells[SLOT_MEMORY_ANON].live, 0), (int64_t)fresh);
	return t;
}

int64_t taken_of(const struct model_cell *cells, enum seep_slot slot, const struct taken *t)
{
	struct taken resident = resident_of(cells);

	switch (slot) {
	case SLOT_MEMORY_FILE:
		return t->file;
	case SLOT_MEMORY_SHMEM:
		return t->shmem;
	case SLOT_MEMORY_ANON:
		return cells[slot].live - t->fresh;
	case SLOT_MEMORY:
		return cells[slot].live - resident.file - resident.shmem + t->file + t->shmem -
		       t->fresh;
	default:
		return cell_old_or_live(&cells[slot]);
	}
}
