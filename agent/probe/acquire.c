// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "agent/base/clock.h"
#include "agent/base/cleanup.h"
#include "agent/probe/acquire.h"
#include "agent/probe/iterator.h"
#include "agent/probe/loss.h"
#include "bpf/acquire.skel.h"

#define MEASURE_EVERY 2.0 /* seconds */
#define MEASURE_FOR   0.25

struct acquire {
	struct acquire_bpf *skeleton;
	struct ring_buffer *ring;
	struct acquire_config config;
	int stats_fd;	   /* the kernel counts run times while it is open */
	double start, end; /* of the watch, CLOCK_MONOTONIC; end is 0 while it lasts */
	double stats_since, stats_seconds; /* how long it counted before */
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

/*
 * To count a run's time costs as much as the run. So the kernel counts for a part of the time only,
 * and the whole is estimated from it.
 */
static void measure(struct acquire *a, double now)
{
	bool due = fmod(now - a->start, MEASURE_EVERY) < MEASURE_FOR;

	if (due && a->stats_fd < 0) {
		a->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
		a->stats_since = now;
	} else if (!due && a->stats_fd >= 0) {
		a->stats_fd = safe_close(a->stats_fd);
		a->stats_seconds += now - a->stats_since;
	}
}

static int load(struct acquire *a)
{
	uint32_t own_namespace;
	int r = iterator_own_namespace(&own_namespace);

	if (r < 0)
		return r;
	a->skeleton = acquire_bpf__open();
	if (!a->skeleton)
		return -errno;
	configure(a, own_namespace);
	r = acquire_bpf__load(a->skeleton);
	if (r < 0)
		return r;
	a->ring = ring_buffer__new(bpf_map__fd(a->skeleton->maps.events), handle, a, NULL);
	if (!a->ring)
		return -errno;
	a->start = clock_seconds(CLOCK_MONOTONIC);
	measure(a, a->start);
	return acquire_bpf__attach(a->skeleton);
}

int acquire_new(const struct acquire_config *config, struct acquire **ret)
{
	struct acquire *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->config = *config;
	a->stats_fd = -1;
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
	safe_close(a->stats_fd);
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
	if (!a->end)
		measure(a, clock_seconds(CLOCK_MONOTONIC));
	return ring_buffer__consume(a->ring);
}

/* How much longer the watch lasted than it was measured. */
static double measured_share(const struct acquire *a)
{
	double now = a->end ? a->end : clock_seconds(CLOCK_MONOTONIC);
	double measured = a->stats_seconds + (a->stats_fd >= 0 ? now - a->stats_since : 0);

	return measured > 0 ? (now - a->start) / measured : 1;
}

static double run_seconds(const struct acquire *a)
{
	struct bpf_program *p;
	uint64_t ns = 0;

	bpf_object__for_each_program(p, a->skeleton->obj)
	{
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);

		if (bpf_program__fd(p) >= 0 &&
		    bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &size) == 0)
			ns += info.run_time_ns;
	}
	return (double)ns / 1e9 * measured_share(a);
}

int acquire_counts(struct acquire *a, struct acquire_counts *ret)
{
	int fd = bpf_map__fd(a->skeleton->maps.counts);
	int r = 0;

	*ret = (struct acquire_counts){ .seconds = run_seconds(a) };
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
	a->end = clock_seconds(CLOCK_MONOTONIC);
	if (a->stats_fd >= 0)
		a->stats_seconds += a->end - a->stats_since;
	a->stats_fd = safe_close(a->stats_fd);
}
