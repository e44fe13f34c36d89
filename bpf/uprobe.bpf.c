// SPDX-License-Identifier: GPL-2.0-only
/* A program that only counts, to learn what a trap costs on this host. */
#include "bpf/vmlinux.h"
#include <bpf/bpf_helpers.h>

volatile __u64 hits;

SEC("?uprobe")
int uprobe_count(void *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}

char LICENSE[] SEC("license")
= "GPL";
