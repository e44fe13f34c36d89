/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prints every BPF program of this host, "program TYPE NAME MISSED": what is left when seep has
 * ended, what the always-on agent attaches, and how many runs the kernel itself skipped, because
 * the program was already running on that processor (a preempted trampoline).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>

#include "agent/base/cleanup.h"

static int print_program(__u32 id)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	/* It may have gone meanwhile. */
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return 0;
	return printf("program %s %s %llu\n", libbpf_bpf_prog_type_str(info.type), info.name,
		      info.recursion_misses);
}

int main(void)
{
	__u32 id = 0;

	while (bpf_prog_get_next_id(id, &id) == 0)
		if (print_program(id) < 0)
			return 1;
	return 0;
}
