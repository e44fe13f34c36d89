/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs of an object cost, by the kernel's own count. To count a run's time costs as
 * much as a short run, so the kernel counts for a part of the time only, and the whole is estimated
 * from it.
 */
#pragma once

struct bpf_object;

/* All times are seconds of CLOCK_MONOTONIC. */
struct run_time {
	int fd; /* the kernel counts while it is open; -1 */
	double start, end, since, counted;
};

void run_time_begin(struct run_time *t);
/* To be called often: starts and stops the counting. */
void run_time_tick(struct run_time *t);
/* No program runs any more. Also releases the descriptor; may be called again. */
void run_time_end(struct run_time *t);

/* CPU seconds of all the object's programs, in whatever process they ran. */
double run_time_seconds(const struct run_time *t, struct bpf_object *object);
