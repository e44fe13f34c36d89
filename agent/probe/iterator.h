/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading what a BPF iterator writes: a stream of rows, each with its type in the first word. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct bpf_link;

/* Bytes of a row of this type, 0 for a type that does not exist. */
typedef size_t (*iterator_size_fn)(uint32_t type);
typedef void (*iterator_row_fn)(const void *row, void *context);

/* Run the iterator once and hand over each row. 0, -EPROTO for a stream that makes no sense, or
 * what the kernel answered. */
int iterator_run(struct bpf_link *link, iterator_size_fn size, iterator_row_fn row, void *context);

/* Inode of the PID namespace that seep runs in: it names the numbers that are shown. */
int iterator_own_namespace(uint32_t *ret_inode);
