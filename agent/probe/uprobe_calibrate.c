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

/*
 * What is probed: one function begins as most do, by a push, which the kernel does itself; the
 * other by an instruction that it must run out of line, at the price of a second trap.
 */
#define TRAPPED(name, first)                                                                       \
	__attribute__((naked, noinline, noclone, used)) static int name(int n)                     \
	{                                                                                          \
		__asm__(first "\n\tlea 1(%rdi), %eax\n\tret");                                    \
	}

TRAPPED(trapped_cheap, "push %rbp\n\tpop %rbp")
TRAPPED(trapped_stepped, "test %rdi, %rdi")

typedef int trapped_function(int n);

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

struct calls {
	trapped_function *function;
	double seconds; /* of CPU, a call */
};

/* In a thread of its own: not the first of the process. */
static void *run_calls(void *calls)
{
	struct calls *c = calls;
	double began = thread_seconds();

	for (int i = 0; i < ROUNDS; i++)
		c->function(i);
	c->seconds = (thread_seconds() - began) / ROUNDS;
	return NULL;
}

static int run_thread(struct calls *calls)
{
	pthread_t thread;
	int r = pthread_create(&thread, NULL, run_calls, calls);

	return r != 0 ? -r : -pthread_join(thread, NULL);
}

/* One function, one kind of probe. */
struct trial {
	struct uprobe_bpf *object;
	enum uprobe_rung rung;
	int file_fd; /* of this executable */
};

static int measure(const struct trial *t, trapped_function *function, unsigned int flags,
		   double *ret_seconds)
{
	_cleanup_(uprobe_set_freep) struct uprobe_set *set = NULL;
	struct calls calls = { .function = function };
	int program = bpf_program__fd(t->object->progs.uprobe_count);
	uint64_t offset, before = t->object->bss->hits;
	int r;

	r = own_offset(function, &offset);
	if (r == 0)
		r = uprobe_set_new(getpid(), t->rung, &set);
	if (r == 0)
		r = uprobe_set_add(set, t->file_fd, offset, program, flags);
	if (r == 0)
		r = uprobe_set_attach(set);
	if (r == 0)
		r = run_thread(&calls);
	if (r == 0 && t->object->bss->hits - before != ROUNDS)
		r = -EOPNOTSUPP;
	*ret_seconds = calls.seconds;
	return r;
}

static int measure_all(const struct trial *t, struct uprobe_host *ret)
{
	double stepped;
	int r;

	r = measure(t, trapped_cheap, 0, &ret->entry_seconds);
	if (r == 0)
		r = measure(t, trapped_cheap, UPROBE_RETURN, &ret->return_seconds);
	if (r == 0)
		r = measure(t, trapped_stepped, 0, &stepped);
	if (r == 0)
		ret->step_seconds = stepped > ret->entry_seconds ? stepped - ret->entry_seconds : 0;
	return r;
}

static int calibrate_rung(enum uprobe_rung rung, struct uprobe_host *ret)
{
	_cleanup_(uprobe_bpf_freep) struct uprobe_bpf *o = uprobe_bpf__open();
	_cleanup_close_ int file_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct trial trial = { .object = o, .rung = rung, .file_fd = file_fd };
	int r;

	if (!o || file_fd < 0)
		return -errno;
	r = uprobe_prepare(o->progs.uprobe_count, rung);
	if (r == 0)
		r = uprobe_bpf__load(o);
	return r == 0 ? measure_all(&trial, ret) : r;
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
