// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/explain/cost.h"
#include "agent/explain/watch.h"
#include "agent/sites/reader.h"

#define POLL_MS	   100
#define COST_EVERY 5 /* polls: asking costs too */

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	interrupted = 1;
}

struct watch {
	const struct explain_options *options;
	const struct source *source;
	void *state;
	int pidfd;
	double start; /* CLOCK_MONOTONIC */
	double own;   /* CPU seconds that seep had used then */
	struct explain_summary *summary;
};

/* Signals end the watch and not the program, so that what was found is still told. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = interrupt };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static double spent(const struct watch *w)
{
	struct source_cost cost;

	w->source->cost(w->state, &cost);
	return cost.seconds + cost_own_seconds() - w->own;
}

/* The allowance is for the whole duration, so that a costly beginning may be followed by calm. */
static bool over_budget(const struct watch *w)
{
	return spent(w) > w->options->budget * w->options->duration;
}

static int wait_a_moment(const struct watch *w, double left)
{
	struct pollfd process = { .fd = w->pidfd, .events = POLLIN };
	int timeout = left * 1000 < POLL_MS ? (int)ceil(left * 1000) : POLL_MS;

	return poll(&process, 1, timeout) > 0 ? -ESRCH : 0;
}

static void watch_until_over(struct watch *w)
{
	for (unsigned int polls = 1; !interrupted; polls++) {
		double left = w->start + w->options->duration - clock_seconds(CLOCK_MONOTONIC);

		if (left <= 0)
			return;
		w->summary->ended = wait_a_moment(w, left) < 0;
		if (w->source->poll(w->state) < 0 || w->summary->ended)
			return;
		if (polls % COST_EVERY == 0 && over_budget(w)) {
			w->summary->over_budget = true;
			return;
		}
	}
}

static void summarize_cost(struct watch *w)
{
	struct explain_summary *s = w->summary;
	struct source_cost cost;

	s->seconds = clock_seconds(CLOCK_MONOTONIC) - w->start;
	w->source->cost(w->state, &cost);
	s->hits = cost.hits;
	s->windows = cost.windows;
	s->cost_seconds = cost.seconds + cost_own_seconds() - w->own;
}

/* After the findings were named, which can lose too. */
static void summarize_losses(struct watch *w, const struct reader *reader)
{
	struct explain_summary *s = w->summary;
	struct source_cost cost;

	w->source->cost(w->state, &cost);
	for (int reason = 0; reason < LOSS_REASON_MAX; reason++)
		s->lost[reason] = cost.lost[reason] + reader_lost(reader, (enum loss_reason)reason);
	s->lost[LOSS_OVER_BUDGET] += s->over_budget;
}

int watch_run(const struct explain_options *options, const struct source *source,
	      struct reader *reader, int pidfd, struct findings *ret_findings,
	      struct explain_summary *ret_summary)
{
	struct watch w = {
		.options = options, .source = source, .pidfd = pidfd, .summary = ret_summary
	};
	int r;

	catch_signals();
	r = source->open(options, reader, &w.state);
	if (r < 0)
		return r;
	w.own = cost_own_seconds();
	w.start = clock_seconds(CLOCK_MONOTONIC);
	watch_until_over(&w);
	source->detach(w.state);
	summarize_cost(&w);
	r = source->findings(w.state, ret_summary->seconds, ret_findings);
	summarize_losses(&w, reader);
	source->free(w.state);
	return r < 0 ? log_error(r, "explain: cannot say what was found") : 0;
}
