// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include <bpf/libbpf.h>

#include "agent/base/cleanup.h"
#include "agent/probe/uprobe_own.h"
#include "bpf/uprobe.skel.h"

#define TRAPPED(name, first)                                                                       \
	__attribute__((naked, noinline, noclone)) int name(int n)                                  \
	{                                                                                          \
		__asm__(first "\n\tlea 1(%rdi), %eax\n\tret");                                     \
	}

TRAPPED(trapped_cheap, "push %rbp\n\tpop %rbp")
TRAPPED(trapped_stepped, "test %rdi, %rdi")

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

int trial_open(enum uprobe_rung rung, struct trial *ret)
{
	int r;

	ret->rung = rung;
	ret->file_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ret->object = uprobe_bpf__open();
	if (!ret->object || ret->file_fd < 0)
		return -errno;
	r = uprobe_prepare(ret->object->progs.uprobe_count, rung);
	return r == 0 ? uprobe_bpf__load(ret->object) : r;
}

void trial_close(struct trial *t)
{
	uprobe_bpf__destroy(t->object);
	safe_close(t->file_fd);
}

int trial_attach(const struct trial *t, pid_t pid, trapped_function *function, unsigned int flags,
		 struct uprobe_set **ret)
{
	int program = bpf_program__fd(t->object->progs.uprobe_count);
	struct uprobe_set *set = NULL;
	uint64_t offset;
	int r;

	r = own_offset(function, &offset);
	if (r == 0)
		r = uprobe_set_new(pid, t->rung, &set);
	if (r == 0)
		r = uprobe_set_add(set, t->file_fd, offset, program, flags);
	if (r == 0)
		r = uprobe_set_attach(set);
	if (r < 0)
		uprobe_set_free(set);
	else
		*ret = set;
	return r;
}

uint64_t trial_hits(const struct trial *t)
{
	return t->object->bss->hits;
}
