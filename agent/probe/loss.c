// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "agent/base/cleanup.h"
#include "agent/probe/loss.h"

int percpu_read(int map_fd, uint32_t key, uint64_t *ret_sum)
{
	_cleanup_free_ uint64_t *values = NULL;
	int cpus = libbpf_num_possible_cpus();
	uint64_t sum = 0;

	if (cpus < 0)
		return cpus;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(map_fd, &key, values) < 0)
		return -errno;
	for (int i = 0; i < cpus; i++)
		sum += values[i];
	*ret_sum = sum;
	return 0;
}

int loss_read(int map_fd, uint64_t ret[LOSS_REASON_MAX])
{
	for (uint32_t reason = 0; reason < LOSS_REASON_MAX; reason++) {
		uint64_t count;
		int r = percpu_read(map_fd, reason, &count);

		if (r < 0)
			return r;
		ret[reason] += count;
	}
	return 0;
}

uint64_t loss_missed_runs(int program_fd)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(program_fd, &info, &size) ? 0 : info.recursion_misses;
}
