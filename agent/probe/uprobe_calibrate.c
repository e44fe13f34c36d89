// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include <linux/types.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "agent/base/cleanup.h"
#include "agent/probe/uprobe.h"
#include "bpf/uprobe.skel.h"

#define ROUNDS 300

/* What is probed: it must exist once, and begin with an instruction of its own. */
__attribute__((noinline, noclone, used)) static int trapped(int n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

/* Where in this executable's file an address of ours is, by our own list of mappings. */
static int own_offset(const void *address, uint64_t *ret_offset)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/maps", "re");
	unsigned long start, end, offset, wanted = (uintptr_t)address;
	char line[512];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) != 3)
			continue;
		if (wanted < start || wanted >= end)
			continue;
		*ret_offset = wanted - start + offset;
		return 0;
	}
	return -ENOENT;
}

static void uprobe_set_freep(struct uprobe_set **set)
{
	uprobe_set_free(*set);
}

static void uprobe_bpf_freep(struct uprobe_bpf **o)
{
	uprobe_bpf__destroy(*o);
}

static double thread_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds of CPU that a call takes. In a thread of its own: not the first of the process. */
static void *run_calls(void *ret_seconds)
{
	double began = thread_seconds();

	for (int i = 0; i < ROUNDS; i++)
		trapped(i);
	*(double *)ret_seconds = (thread_seconds() - began) / ROUNDS;
	return NULL;
}

static int run_thread(double *ret_seconds)
{
	pthread_t thread;
	int r = pthread_create(&thread, NULL, run_calls, ret_seconds);

	return r != 0 ? -r : -pthread_join(thread, NULL);
}

static int measure(struct uprobe_bpf *o, enum uprobe_rung rung, int file_fd, bool at_return,
		   double *ret_seconds)
{
	_cleanup_(uprobe_set_freep) struct uprobe_set *set = NULL;
	uint64_t offset, before = o->bss->hits;
	unsigned int flags = at_return ? UPROBE_RETURN : 0;
	int r;

	r = own_offset(trapped, &offset);
	if (r == 0)
		r = uprobe_set_new(getpid(), rung, &set);
	if (r == 0)
		r = uprobe_set_add(set, file_fd, offset, bpf_program__fd(o->progs.uprobe_count),
				   flags);
	if (r == 0)
		r = uprobe_set_attach(set);
	if (r == 0)
		r = run_thread(ret_seconds);
	if (r == 0 && o->bss->hits - before != ROUNDS)
		r = -EOPNOTSUPP;
	return r;
}

static int calibrate_rung(enum uprobe_rung rung, struct uprobe_host *ret)
{
	_cleanup_(uprobe_bpf_freep) struct uprobe_bpf *o = uprobe_bpf__open();
	_cleanup_close_ int file_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int r;

	if (!o || file_fd < 0)
		return -errno;
	r = uprobe_prepare(o->progs.uprobe_count, rung);
	if (r == 0)
		r = uprobe_bpf__load(o);
	if (r == 0)
		r = measure(o, rung, file_fd, false, &ret->entry_seconds);
	if (r == 0)
		r = measure(o, rung, file_fd, true, &ret->return_seconds);
	return r;
}

int uprobe_calibrate(struct uprobe_host *ret)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int r;

	ret->rung = UPROBE_MULTI;
	ret->reason = NULL;
	r = calibrate_rung(UPROBE_MULTI, ret);
	if (r < 0) {
		ret->rung = UPROBE_PERF;
		ret->reason = r == -EOPNOTSUPP ? "links of this kernel miss all but the first thread" :
						 "the kernel has no uprobe_multi link";
		r = calibrate_rung(UPROBE_PERF, ret);
	}
	if (r < 0)
		ret->rung = UPROBE_NONE;
	libbpf_set_print(print);
	return r;
}
