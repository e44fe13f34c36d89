// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include <bpf/libbpf.h>

#include "agent/probe/iterator.h"
#include "agent/probe/kernel_types.h"
#include "agent/probe/percpu.h"
#include "bpf/percpu.h"
#include "bpf/percpu.skel.h"

/* The program answers in its variables and writes no row. */
static size_t no_rows(uint32_t type)
{
	return 0;
}

static int run(struct percpu_bpf *skel, int cpus)
{
	int r;

	skel->rodata->cpus = (uint32_t)cpus;
	r = percpu_bpf__load(skel);
	if (r == 0)
		r = percpu_bpf__attach(skel);
	return r < 0 ? r : iterator_run(skel->links.learn_percpu, no_rows, NULL, NULL);
}

int percpu_learn(uint64_t *ret_offsets, size_t max)
{
	int cpus = libbpf_num_possible_cpus(), r;
	struct percpu_bpf *skel;

	if (cpus < 0)
		return cpus;
	if ((size_t)cpus > max || cpus > PERCPU_CPUS)
		return 0;
	skel = percpu_bpf__open_opts(kernel_types());
	if (!skel)
		return -errno;
	r = run(skel, cpus);
	for (int cpu = 0; r == 0 && cpu < cpus; cpu++)
		ret_offsets[cpu] = skel->bss->elements[cpu] - skel->bss->element;
	percpu_bpf__destroy(skel);
	return r < 0 ? r : cpus;
}
