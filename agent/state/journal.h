/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happened since a snapshot, an entry for each census:
 *
 *   struct journal_header, once
 *   u32 size, u32 CRC-32 of what follows, and so many bytes:
 *       double time of the census
 *       owners of new series, ended by OWNER_END; after each: how many, and their slots
 *       for each series whose value is another than before: how much its number is above the one
 *       before, and the value; NAN when it was not known
 *
 * New series are numbered on. An entry is one write, so one that is cut off is the last; it is as
 * if that census had not been.
 */
#pragma once

#include "agent/state/saved.h"

struct journal_header {
	char magic[8];
	uint64_t generation; /* of the snapshot that it goes on from */
	uint32_t crc;	     /* of what is before */
	uint32_t reserved;
};

/* What a journal begins with that goes on from the snapshot of that generation. */
struct journal_header journal_begin(uint64_t generation);

/*
 * Make the entry of this census, and note in values (see snapshot_write) what it says. 0 or
 * -ENOMEM.
 */
int journal_entry(struct model *m, struct bytes *values, struct bytes *entry);

/*
 * Replay over the snapshot that it goes on from; one that does not is passed over. Returns how many
 * entries; *ret_damaged tells that the header or one entry is whole and wrong: it and what follows
 * are lost.
 */
size_t journal_replay(const uint8_t *data, size_t size, struct saved *s, bool *ret_damaged);
