// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "agent/base/cleanup.h"
#include "agent/probe/kernel_types.h"
#include "agent/probe/loss.h"
#include "agent/probe/percpu.h"
#include "agent/probe/survivor.h"
#include "bpf/survivor.skel.h"

#define BATCH 2048

struct survivor {
	struct survivor_bpf *object;
	struct uprobe_set *probes;
};

static int set_target(struct survivor_bpf *object, pid_t pid)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) < 0)
		return -errno;
	object->rodata->target_pid = pid;
	object->rodata->target_pidns = (__u32)st.st_ino;
	return 0;
}

static int load_object(struct survivor *s, const struct survivor_options *o)
{
	int r;

	s->object = survivor_bpf__open_opts(kernel_types());
	if (!s->object)
		return -errno;
	memcpy((void *)&s->object->rodata->heap, &o->heap, sizeof(o->heap));
	memcpy((void *)&s->object->rodata->skipped, &o->skipped, sizeof(o->skipped));
	memcpy((void *)&s->object->rodata->object, &o->object, sizeof(o->object));
	r = uprobe_prepare(s->object->progs.survivor_birth, o->host.rung);
	if (r == 0)
		r = set_target(s->object, o->pid);
	return r == 0 ? survivor_bpf__load(s->object) : r;
}

static int set_up(struct survivor *s, const struct survivor_options *o)
{
	int r;

	r = load_object(s, o);
	if (r == 0)
		r = uprobe_set_new(o->pid, o->host.rung, &s->probes);
	if (r == 0)
		r = uprobe_hold_start(s->probes, o->reader,
				      bpf_program__fd(s->object->progs.survivor_birth));
	for (size_t i = 0; i < o->n_offsets && r == 0; i++)
		r = uprobe_set_add(s->probes, o->file_fd, o->offsets[i],
				   bpf_program__fd(s->object->progs.survivor_birth), UPROBE_HOT);
	return r;
}

int survivor_new(const struct survivor_options *options, struct survivor **ret)
{
	struct survivor *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	r = set_up(s, options);
	if (r < 0) {
		survivor_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void survivor_free(struct survivor *s)
{
	if (!s)
		return;
	uprobe_set_free(s->probes);
	survivor_bpf__destroy(s->object);
	free(s);
}

int survivor_attach(struct survivor *s)
{
	int r = uprobe_set_attach(s->probes);

	if (r < 0)
		return r;
	s->object->bss->armed = 1;
	return 0;
}

pid_t survivor_obstacle(const struct survivor *s)
{
	return uprobe_set_obstacle(s->probes);
}

void survivor_detach(struct survivor *s)
{
	s->object->bss->armed = 0;
	uprobe_set_detach(s->probes);
}

static int take_batch(const uint64_t *addresses, const struct survivor_birth *births, size_t n,
		      int (*take)(void *context, uint64_t address,
				  const struct survivor_birth *birth),
		      void *context)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = take(context, addresses[i], &births[i]);
	return r;
}

int survivor_take(struct survivor *s,
		  int (*take)(void *context, uint64_t address, const struct survivor_birth *birth),
		  void *context)
{
	_cleanup_free_ struct survivor_birth *births = calloc(BATCH, sizeof(*births));
	_cleanup_free_ uint64_t *addresses = calloc(BATCH, sizeof(*addresses));
	int fd = bpf_map__fd(s->object->maps.births), r = 0, e;
	uint64_t cursor, *previous = NULL;

	if (!births || !addresses)
		return -ENOMEM;
	do {
		__u32 n = BATCH;

		e = bpf_map_lookup_and_delete_batch(fd, previous, &cursor, addresses, births, &n,
						    NULL);
		if (e < 0 && e != -ENOENT)
			return e;
		r = take_batch(addresses, births, n, take, context);
		previous = &cursor;
	} while (e == 0 && r == 0);
	return r;
}

int survivor_site(struct survivor *s, uint64_t key, struct survivor_site *ret)
{
	int fd = bpf_map__fd(s->object->maps.sites);

	return bpf_map_lookup_elem(fd, &key, ret) < 0 ? -errno : 0;
}

int survivor_counts(struct survivor *s, struct survivor_counts *ret)
{
	int counters = bpf_map__fd(s->object->maps.counters);
	int r = 0;

	*ret = (struct survivor_counts){ 0 };
	for (uint32_t i = 0; i < SURVIVOR_COUNTERS && r == 0; i++)
		r = percpu_read(counters, i, &ret->values[i]);
	return r == 0 ? loss_read(bpf_map__fd(s->object->maps.losses), ret->lost) : r;
}
