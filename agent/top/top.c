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
#include "agent/top/cell.h"
#include "agent/top/plain.h"
#include "agent/top/screen.h"
#include "agent/top/status.h"
#include "agent/top/watch.h"
#include "exporters/json.h"

#define LEAST_DELAY 0.05

struct top_options {
	double delay;
	int iterations;
	bool once, json, all;
	const char *sort, *filter, *fail_on;
	int pid;
};

#define ROW(name, letter, type, field, value, help)                                                \
	{                                                                                          \
		name, letter, type, offsetof(struct top_options, field), value, help               \
	}
static const struct option_row options[] = {
	ROW("delay", 'd', OPT_DURATION, delay, "SEC", "time between two looks (2s)"),
	ROW("iterations", 'n', OPT_COUNT, iterations, "N", "end after so many looks (0: never)"),
	ROW("once", 0, OPT_FLAG, once, NULL, "one look, then end"),
	ROW("json", 0, OPT_FLAG, json, NULL, "one JSON object a line"),
	ROW("sort", 0, OPT_STRING, sort, "COLUMN", "order of the rows: growth, live, share, name"),
	ROW("filter", 0, OPT_STRING, filter, "TEXT",
	    "only names, paths and groups that contain it"),
	ROW("pid", 'p', OPT_PID, pid, "PID", "only this process"),
	ROW("all", 0, OPT_FLAG, all, NULL, "kernel threads and idle rows too"),
	ROW("fail-on", 0, OPT_STRING, fail_on, "VERDICT",
	    "exit 1 when any row has this verdict or a worse one"),
	{ 0 },
};
#undef ROW

static volatile sig_atomic_t stop;

static void on_signal(int signum)
{
	stop = 1;
}

static void set_signals(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGQUIT, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		sigaction(ends[i], &action, NULL);
}

static int check_options(const struct top_options *o)
{
	if (o->fail_on && verdict_find(o->fail_on) == VERDICT_MAX)
		return log_error(0,
				 "top: --fail-on does not know '%s'; it takes growing or another "
				 "verdict",
				 o->fail_on),
		       -EINVAL;
	if (o->sort && rows_sort_find(o->sort) == SORT_MAX)
		return log_error(0,
				 "top: --sort does not know '%s'; it takes growth, live, share or "
				 "name",
				 o->sort),
		       -EINVAL;
	if (o->delay < LEAST_DELAY)
		return log_error(0, "top: --delay must be 50ms at least"), -EINVAL;
	return 0;
}

static struct rows_options rows_options(const struct top_options *o)
{
	return (struct rows_options){
		.pid = o->pid,
		.text = o->filter,
		.all = o->all,
		.sort = o->sort ? rows_sort_find(o->sort) : SORT_GROWTH,
	};
}

static bool worst_reaches(const struct model *m, const struct top_options *o)
{
	const struct json_filter filter = { o->pid, o->filter, o->all };
	enum verdict limit = verdict_find(o->fail_on);

	model_for_each_process (m, p)
		for (enum seep_slot s = 0; s < SLOT_MAX; s++)
			if (p->cells[s].trend.verdict >= limit && json_filter_passes(&filter, p))
				return true;
	return false;
}

static int write_look(const struct watch *w, const struct top_options *o)
{
	struct json_filter filter = { o->pid, o->filter, o->all };
	struct rows_options rows = rows_options(o);
	int r;

	if (!o->json)
		return plain_write(w, &rows, stdout);
	r = json_write_model(watch_model(w), &filter, stdout);
	return r == 0 && fflush(stdout) ? -EIO : r;
}

static bool is_gone(const struct watch *w, const struct top_options *o)
{
	return o->pid && !model_find(watch_model(w), o->pid);
}

/* Look after look as text, until there are enough or the process has ended. */
static int stream(struct watch *w, const struct top_options *o)
{
	struct timespec pause = { (time_t)o->delay,
				  (long)((o->delay - (double)(time_t)o->delay) * 1e9) };
	int r = write_look(w, o);

	for (int looks = 1; r == 0 && !o->once && (!o->iterations || looks < o->iterations);
	     looks++) {
		nanosleep(&pause, NULL);
		if (stop)
			return 0;
		r = watch_look(w);
		if (r == 0 && is_gone(w, o))
			return -ESRCH;
		if (r == 0 && !o->json)
			putchar('\n');
		if (r == 0)
			r = write_look(w, o);
	}
	return r;
}

static int show(struct watch *w, const struct top_options *o)
{
	struct screen_options screen = { o->delay, o->iterations, rows_options(o) };
	int r;

	if (o->once || o->json || !screen_possible())
		return stream(w, o);
	log_setup(LOG_ERROR, LOG_TEXT); /* a warning would tear the screen; the footer says it */
	r = screen_run(w, &screen, &stop);
	return r == -ENOTTY ? stream(w, o) : r;
}

/* What the host does not allow is in the footer of the table; JSON has no footer. */
static void warn_of_rungs(const struct watch *w, const struct top_options *o)
{
	char troubles[STATUS_MAX];
	struct rows none = { 0 };

	if (!o->json)
		return;
	status_troubles(w, &none, troubles, sizeof(troubles));
	if (*troubles)
		log_warn(0, "top: %s", troubles);
}

/* An exit status, or negative errno that was not said yet. */
static int run(const struct top_options *o, struct watch *w)
{
	int r = watch_look(w);

	if (r < 0)
		return r;
	if (is_gone(w, o)) {
		log_error(0, "top: there is no process %d", o->pid);
		return EXIT_IMPOSSIBLE;
	}
	warn_of_rungs(w, o);
	r = show(w, o);
	if (r == -ESRCH) {
		log_info("top: process %d has ended", o->pid);
		return EXIT_DONE;
	}
	if (r == 0 && o->fail_on && worst_reaches(watch_model(w), o))
		return EXIT_VERDICT;
	return r;
}

static int run_top(const struct command *self, int argc, char **argv)
{
	struct top_options o = { .delay = 2 };
	struct watch *w = NULL;
	int r = options_parse(self, argc, argv, &o);

	if (r <= 0)
		return r < 0 ? EXIT_USAGE : EXIT_DONE;
	if (check_options(&o) < 0)
		return EXIT_USAGE;
	set_signals();
	cell_setup();
	log_setup(LOG_ERROR, LOG_TEXT); /* a lower rung is said once, by us */
	/* A single look has nothing to count, and the table no column for it. */
	r = watch_new(o.pid, o.delay, o.json && !o.once, &w);
	log_setup(LOG_INFO, LOG_TEXT);
	if (r == 0)
		r = run(&o, w);
	watch_free(w);
	if (r < 0)
		log_error(r, "top: cannot go on");
	return r < 0 ? EXIT_IMPOSSIBLE : r;
}

const struct command command_top = { "top", "", "Show what grows, towards which bound.", options,
				     run_top };
