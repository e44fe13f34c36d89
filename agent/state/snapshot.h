/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All series at one instant, in a file:
 *
 *   struct snapshot_header
 *   the names of this build's slots in order, each "resource" or "resource/kind" with its length
 *   owners, ended by OWNER_END; after each: how many series, and each as slot, value, series_save()
 *   CRC-32 of all before
 *
 * Series are numbered in this order from 1 on; the journal names them by that.
 */
#pragma once

#include "agent/state/saved.h"

struct snapshot_header {
	char magic[8];
	uint32_t format; /* raised when this layout or the journal's changes */
	uint32_t layout; /* series_layout() */
	uint64_t generation;
	double now, window; /* seconds since the epoch; seconds */
	char boot_id[BOOT_ID_SIZE];
};

/*
 * Write to a descriptor, number the series of the model, and put into values (by number less one)
 * what each was given last. 0 or negative errno.
 */
int snapshot_write(int fd, struct model *m, uint64_t generation, const char *boot_id,
		   struct bytes *values, uint64_t *ret_size);

/* 0 and what the caller frees; -ENOMEM, or -EBADMSG and why in words that follow "it". */
int snapshot_read(const uint8_t *data, size_t size, struct saved **ret, const char **ret_why);
