// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "agent/base/cleanup.h"
#include "agent/base/clock.h"
#include "agent/probe/run_time.h"

#define MEASURE_EVERY 2.0 /* seconds */
#define MEASURE_FOR   0.25

static void stop(struct run_time *t, double now)
{
	if (t->fd < 0)
		return;
	t->fd = safe_close(t->fd);
	t->counted += now - t->since;
}

void run_time_begin(struct run_time *t)
{
	*t = (struct run_time){ .fd = -1, .start = clock_seconds(CLOCK_MONOTONIC) };
	run_time_tick(t);
}

void run_time_tick(struct run_time *t)
{
	double now = clock_seconds(CLOCK_MONOTONIC);
	bool due = fmod(now - t->start, MEASURE_EVERY) < MEASURE_FOR;

	if (t->end > 0)
		return;
	if (!due) {
		stop(t, now);
	} else if (t->fd < 0) {
		t->fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
		t->since = now;
	}
}

void run_time_end(struct run_time *t)
{
	if (t->end > 0)
		return;
	t->end = clock_seconds(CLOCK_MONOTONIC);
	stop(t, t->end);
}

/* How much longer the programs were attached than they were measured. */
static double measured_share(const struct run_time *t)
{
	double now = t->end > 0 ? t->end : clock_seconds(CLOCK_MONOTONIC);
	double measured = t->counted + (t->fd >= 0 ? now - t->since : 0);

	return measured > 0 ? (now - t->start) / measured : 1;
}

double run_time_seconds(const struct run_time *t, struct bpf_object *object)
{
	struct bpf_program *p;
	uint64_t ns = 0;

	bpf_object__for_each_program(p, object)
	{
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);

		if (bpf_program__fd(p) >= 0 &&
		    bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &size) == 0)
			ns += info.run_time_ns;
	}
	return (double)ns / 1e9 * measured_share(t);
}
