/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kinds of descriptors that share the anonymous inode are told apart by their file operations.
 * Their addresses are learned by opening one of each here and looking at it through the iterator:
 * kernel symbols are often not there to be read.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/model/resource.h"

struct file_bpf;

/*
 * Fill the loaded and attached skeleton's table of kinds. Kinds that this kernel refuses to open
 * are listed in missing, parted by a space; their descriptors count as "other". 0 or negative
 * errno.
 */
int file_kinds_learn(struct file_bpf *skel, char *missing, size_t size);

/* What was learned, for another object that tells kinds; 0, or -EINVAL when the size is not that of
 * the table. Zeros before the first lesson. */
int file_kinds_copy(void *table, size_t size);

/* The slot of enum file_kind. */
enum seep_slot file_kinds_slot(uint32_t kind);

/* Bytes of a row of the descriptor census (an iterator_size_fn). */
size_t file_row_size(uint32_t type);
