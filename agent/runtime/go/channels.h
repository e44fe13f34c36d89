/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Channels of a Go program (struct hchan of src/runtime/chan.go) in the reader child. Only those
 * whose buffer has a span of the heap to itself are looked for: the spans lead to them, so that
 * nothing is guessed from words that look like pointers.
 */
#pragma once

#include "agent/runtime/go/process.h"

#define GO_HCHAN_BYTES 112u

struct go_hchan {
	uint64_t address, items, capacity;
	uint64_t buffer;
	uint64_t type; /* of an item: address of its description */
	uint64_t sent_at, taken_at;
	uint32_t item_bytes, closed;
};

/* Whether these bytes are a channel; its fields have to hold together, in either of the layouts:
 * since Go 1.23 a timer stands before the type. */
bool go_hchan_parse(struct go_process *p, uint64_t address, const uint8_t *bytes,
		    struct go_hchan *ret);

/* Search the heap: at most max, the largest first. 0, or as go_memory_read. Uses the scratch
 * memory.
 */
int go_channels_search(struct go_process *p, struct go_hchan *ret, size_t max, size_t *ret_n);

/* Whether a type can be described there: in the file of the program; what reflection makes is left
 * out. */
bool go_is_type(const struct go_process *p, uint64_t address);

/*
 * Return addresses of the calls that can have made a channel, by the type of its items and its
 * capacity: at most max, or none when there are more. The code is read once for each program.
 * How many, or as go_memory_read.
 */
int go_makers_find(struct go_process *p, const struct go_hchan *c, uint64_t *ret, size_t max);

/*
 * Return addresses of the calls that send on some channel, in functions of one package: at most
 * max, of as many functions; none when there are more. After go_makers_find.
 */
int go_sends_find(struct go_process *p, const char *package, size_t length, uint64_t *ret,
		  size_t max);

/* Fill sender and holder of the report's channels by the stacks of goroutines that wait. 0, or as
 * go_memory_read. Uses the scratch memory. */
int go_holders_tell(struct go_builder *b);
