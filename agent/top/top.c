// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/commands.h"
#include "agent/history.h"
#include "agent/model/model.h"
#include "agent/probe/census.h"
#include "exporters/json.h"

struct top_options {
	double delay;
	int iterations;
	bool once, json, all;
	const char *sort, *filter, *fail_on;
	int pid;
};

#define ROW(name, letter, type, field, value, help) \
	{ name, letter, type, offsetof(struct top_options, field), value, help }
static const struct option_row options[] = {
	ROW("delay", 'd', OPT_DURATION, delay, "SEC", "time between two looks (2s)"),
	ROW("iterations", 'n', OPT_COUNT, iterations, "N", "end after so many looks (0: never)"),
	ROW("once", 0, OPT_FLAG, once, NULL, "one look, then end"),
	ROW("json", 0, OPT_FLAG, json, NULL, "one JSON object a line"),
	ROW("sort", 0, OPT_STRING, sort, "COLUMN", "order of the rows: growth, live, share, name"),
	ROW("filter", 0, OPT_STRING, filter, "TEXT", "only names, paths and groups that contain it"),
	ROW("pid", 'p', OPT_PID, pid, "PID", "only this process"),
	ROW("all", 0, OPT_FLAG, all, NULL, "kernel threads too"),
	ROW("fail-on", 0, OPT_STRING, fail_on, "VERDICT", "exit 1 when any row has this verdict or a worse one"),
	{ 0 },
};
#undef ROW

static volatile sig_atomic_t stop;

static void on_signal(int signum)
{
	stop = 1;
}

static int check_options(const struct top_options *o)
{
	if (o->fail_on && verdict_find(o->fail_on) == VERDICT_MAX)
		return log_error(-EINVAL, "top: --fail-on does not know '%s'", o->fail_on);
	if (o->delay < 0.05)
		return log_error(-EINVAL, "top: --delay must be 50ms at least");
	return 0;
}

static bool worst_reaches(const struct model *m, enum verdict limit)
{
	model_for_each_process(m, p)
		for (enum seep_slot s = 0; s < SLOT_MAX; s++)
			if (p->cells[s].trend.verdict >= limit)
				return true;
	return false;
}

static int look_once(struct census *c, struct model *m, const struct top_options *o)
{
	struct json_filter filter = { o->pid, o->filter, o->all };
	int r = census_run(c, m);

	if (r < 0)
		return log_error(r, "top: the census failed");
	history_adopt(m); /* without an agent there is no history, and none is needed */
	if (o->pid && !model_find(m, o->pid)) {
		log_error(0, "top: there is no process %d", o->pid);
		return -ESRCH;
	}
	r = json_write_model(m, &filter, stdout);
	fflush(stdout);
	return r;
}

static int watch(struct census *c, struct model *m, const struct top_options *o)
{
	struct timespec pause = { (time_t)o->delay, (long)((o->delay - (time_t)o->delay) * 1e9) };
	int r;

	for (int i = 0;; i++) {
		r = look_once(c, m, o);
		if (r < 0 || stop || o->once || (o->iterations && i + 1 >= o->iterations))
			return r;
		nanosleep(&pause, NULL);
	}
}

static int run_top(const struct command *self, int argc, char **argv)
{
	struct top_options o = { .delay = 2 };
	struct model *m = NULL;
	struct census *c = NULL;
	int r = options_parse(self, argc, argv, &o);

	if (r <= 0)
		return r < 0 ? EXIT_USAGE : EXIT_DONE;
	if (check_options(&o) < 0)
		return EXIT_USAGE;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	r = model_new(3600, o.delay, &m);
	if (r == 0)
		r = census_new(&(struct census_options){ .only_pid = o.pid }, m, &c);
	if (r < 0)
		log_error(r, "top: cannot start");
	else
		r = watch(c, m, &o);
	if (r == 0 && o.fail_on && worst_reaches(m, verdict_find(o.fail_on)))
		r = EXIT_VERDICT;
	census_free(c);
	model_free(m);
	return r < 0 ? EXIT_IMPOSSIBLE : r;
}

const struct command command_top = { "top", "", "Show what grows, towards which bound.", options, run_top };
