// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "agent/base/cleanup.h"
#include "agent/probe/uprobe_own.h"

#define ROUNDS 300

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
static int measure(const struct trial *t, trapped_function *function, unsigned int flags,
		   double *ret_seconds)
{
	struct calls calls = { .function = function };
	uint64_t before = trial_hits(t);
	struct uprobe_set *set;
	int r;

	r = trial_attach(t, getpid(), function, flags, &set);
	if (r < 0)
		return r;
	r = run_thread(&calls);
	uprobe_set_free(set);
	if (r == 0 && trial_hits(t) - before != ROUNDS)
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
	_cleanup_(trial_close) struct trial trial = { 0 };
	int r = trial_open(rung, &trial);

	return r == 0 ? measure_all(&trial, ret) : r;
}

static int try_rungs(struct uprobe_host *ret)
{
	int r;

	ret->rung = UPROBE_MULTI;
	r = calibrate_rung(UPROBE_MULTI, ret);
	if (r < 0) {
		ret->rung = UPROBE_PERF;
		ret->reason = r == -EOPNOTSUPP
				      ? "links of this kernel miss all but the first thread"
				      : "the kernel has no uprobe_multi link";
		r = calibrate_rung(UPROBE_PERF, ret);
	}
	if (r < 0)
		ret->rung = UPROBE_NONE;
	return r;
}

/* Traps are timed once: setting them and taking them out takes longer than most windows. */
int uprobe_calibrate(struct uprobe_host *ret)
{
	static struct uprobe_host host;
	static int answer;
	static bool asked;

	if (!asked) {
		libbpf_print_fn_t print = libbpf_set_print(NULL);

		answer = try_rungs(&host);
		libbpf_set_print(print);
		asked = true;
	}
	*ret = host;
	return answer;
}
