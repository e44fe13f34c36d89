// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "agent/base/cleanup.h"
#include "agent/probe/acquire.h"
#include "agent/probe/iterator.h"
#include "agent/probe/kernel_types.h"
#include "agent/probe/loss.h"
#include "agent/probe/run_time.h"
#include "bpf/acquire.skel.h"

struct acquire {
	struct acquire_bpf *skeleton;
	struct ring_buffer *ring;
	struct acquire_config config;
	struct run_time run_time;
	uint64_t lost_follows;
};

enum seep_slot acquire_call_slot(unsigned int call)
{
	static const enum seep_slot slots[ACQUIRE_MAX_CALL] = {
#define X(number, name, how, slot) [number] = SLOT_##slot + 1,
		ACQUIRE_CALLS(X)
#undef X
	};

	return call < ACQUIRE_MAX_CALL && slots[call] ? slots[call] - 1 : SLOT_MAX;
}

enum acquire_class acquire_class_of(enum seep_slot slot)
{
	switch (slot_info(slot)->total) {
	case SLOT_TIMER:
		return ACQUIRE_CLASS_TIMER;
	case SLOT_WATCH:
		return ACQUIRE_CLASS_WATCH;
	case SLOT_MAPPING:
		return ACQUIRE_CLASS_MAPPING;
	case SLOT_THREAD:
	case SLOT_PROCESS:
		return ACQUIRE_CLASS_TASK;
	default:
		return ACQUIRE_CLASS_FD;
	}
}

static void configure(struct acquire *a, uint32_t own_namespace)
{
	struct acquire_bpf *s = a->skeleton;
	bool tasks = a->config.classes[ACQUIRE_CLASS_TASK];

	for (unsigned int call = 0; call < ACQUIRE_MAX_CALL; call++)
		if (s->rodata->actions[call] &&
		    !a->config.classes[acquire_class_of(acquire_call_slot(call))])
			s->rodata->actions[call] = ACQUIRE_NOTHING;
	s->rodata->wanted_pid = (uint32_t)a->config.pid;
	s->rodata->own_inode = own_namespace;
	bpf_program__set_autoload(s->progs.acquire_task, tasks);
	bpf_program__set_autoload(s->progs.acquire_exit, tasks);
	bpf_program__set_autoload(s->progs.acquire_free, tasks);
	bpf_map__set_max_entries(s->maps.tracked, (uint32_t)(2 * a->config.objects + 32768));
}

/* Reading the iterator runs it over every task; it arms the programs when it finds ours. */
static int arm(struct acquire *a)
{
	_cleanup_close_ int fd = -1;
	char buffer[64];

	fd = bpf_iter_create(bpf_link__fd(a->skeleton->links.acquire_find));
	if (fd < 0)
		return -errno;
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	return a->skeleton->bss->target ? 0 : -ESRCH;
}

static int handle(void *context, void *data, size_t size)
{
	const struct acquire *a = context;
	const struct acquire_event *event = data;
	const struct stack_copy *stack = (const void *)(event + 1);

	if (size >= sizeof(*event))
		a->config.handler(a->config.context, event, event->has_stack ? stack : NULL);
	return 0;
}

static int load(struct acquire *a)
{
	uint32_t own_namespace;
	int r = iterator_own_namespace(&own_namespace);

	if (r < 0)
		return r;
	a->skeleton = acquire_bpf__open_opts(kernel_types());
	if (!a->skeleton)
		return -errno;
	configure(a, own_namespace);
	r = acquire_bpf__load(a->skeleton);
	if (r < 0)
		return r;
	a->ring = ring_buffer__new(bpf_map__fd(a->skeleton->maps.events), handle, a, NULL);
	if (!a->ring)
		return -errno;
	run_time_begin(&a->run_time);
	return acquire_bpf__attach(a->skeleton);
}

int acquire_new(const struct acquire_config *config, struct acquire **ret)
{
	struct acquire *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->config = *config;
	a->run_time.fd = -1;
	r = load(a);
	if (r == 0)
		r = arm(a);
	if (r < 0) {
		acquire_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

void acquire_free(struct acquire *a)
{
	if (!a)
		return;
	ring_buffer__free(a->ring);
	acquire_bpf__destroy(a->skeleton);
	run_time_end(&a->run_time);
	free(a);
}

void acquire_follow(struct acquire *a, uint64_t key)
{
	uint32_t value = (uint32_t)key;

	if (bpf_map_update_elem(bpf_map__fd(a->skeleton->maps.tracked), &key, &value, BPF_NOEXIST) <
		    0 &&
	    errno != EEXIST)
		a->lost_follows++;
}

int acquire_poll(struct acquire *a)
{
	run_time_tick(&a->run_time);
	return ring_buffer__consume(a->ring);
}

int acquire_counts(struct acquire *a, struct acquire_counts *ret)
{
	int fd = bpf_map__fd(a->skeleton->maps.counts);
	int r = 0;

	*ret = (struct acquire_counts){ .seconds =
						run_time_seconds(&a->run_time, a->skeleton->obj) };
	for (uint32_t class = 0; class < ACQUIRE_CLASS_MAX && r == 0; class ++)
		r = percpu_read(fd, class, &ret->created[class]);
	if (r == 0)
		r = percpu_read(fd, ACQUIRE_CLASS_MAX, &ret->hits);
	if (r == 0)
		r = loss_read(bpf_map__fd(a->skeleton->maps.losses), ret->lost);
	ret->lost[LOSS_MAP_FULL] += a->lost_follows;
	return r;
}

void acquire_detach(struct acquire *a)
{
	acquire_bpf__detach(a->skeleton);
	run_time_end(&a->run_time);
}
