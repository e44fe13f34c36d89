/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a BPF object could not record, counted by reason. Every failed reserve or update ends here:
 * a number without its losses is a guess. agent/probe/loss.h reads it; the topic is the object's.
 */
#pragma once

#include "bpf/vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "agent/model/loss.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LOSS_REASON_MAX);
	__type(key, u32);
	__type(value, u64);
} losses SEC(".maps");

static __always_inline void loss_count(enum loss_reason reason)
{
	u32 key = reason;
	u64 *count = bpf_map_lookup_elem(&losses, &key);

	if (count)
		(*count)++;
}
