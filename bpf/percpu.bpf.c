// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where each CPU's copy of a per-CPU variable lies: its address plus the CPU's offset. The kernel's
 * table of offsets is a symbol that often cannot be looked up, so the offsets are learned from a
 * per-CPU map of our own: the address of its element on a CPU, less the address that the map holds.
 */
#include "bpf/lib/kernel.bpf.h"
#include <bpf/bpf_tracing.h>

#include "bpf/percpu.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} anchor SEC(".maps");

const volatile __u32 cpus;
__u64 elements[PERCPU_CPUS]; /* addresses of the element on each CPU */
__u64 element;		     /* the per-CPU address that they share */
volatile __u64 map_address;  /* through memory, since the verifier forbids to compute with a map */

SEC("iter/task")
int learn_percpu(struct bpf_iter__task *ctx)
{
	__u32 zero = 0;

	if (ctx->meta->seq_num != 0)
		return 0;
	for (__u32 cpu = 0; cpu < PERCPU_CPUS && cpu < cpus; cpu++)
		elements[cpu] = (__u64)bpf_map_lookup_percpu_elem(&anchor, &zero, cpu);
	map_address = (__u64)&anchor;
	bpf_core_read(&element, sizeof(element), &((struct bpf_array *)map_address)->pptrs[0]);
	return 0;
}

char LICENSE[] SEC("license")
= "GPL";
