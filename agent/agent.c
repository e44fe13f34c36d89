// SPDX-License-Identifier: GPL-2.0-only
/* The daemon: a census at an interval, its trends, and whoever asks for them. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/commands.h"
#include "agent/config.h"
#include "agent/history.h"
#include "agent/model/model.h"
#include "agent/probe/census.h"
#include "agent/state/state.h"
#include "exporters/http/web.h"

#define LEAST_INTERVAL	   0.05
#define INTERVALS_A_WINDOW 20 /* fewer would make a window's parts too coarse to trend */

struct agent_options {
	const char *listen_address, *telemetry_path, *config_file, *state_directory, *log_level,
		*log_format;
	double interval, window;
};

#define ROW(name, type, field, value, help)                                                        \
	{                                                                                          \
		name, 0, type, offsetof(struct agent_options, field), value, help                  \
	}
static const struct option_row options[] = {
	ROW("web.listen-address", OPT_STRING, listen_address, "HOST:PORT",
	    "where to serve (127.0.0.1:10049)"),
	ROW("web.telemetry-path", OPT_STRING, telemetry_path, "PATH",
	    "path of the metrics (/metrics)"),
	ROW("interval", OPT_DURATION, interval, "SPAN", "time between two censuses (10s)"),
	ROW("trend.window", OPT_DURATION, window, "SPAN",
	    "what every trend is measured by (1h); 20 intervals at least"),
	ROW("config.file", OPT_STRING, config_file, "FILE",
	    "options, one NAME=VALUE a line; those given here win"),
	ROW("state.directory", OPT_STRING, state_directory, "DIR",
	    "where trends outlive the agent: of root, and writable by root alone"),
	ROW("log.level", OPT_STRING, log_level, "LEVEL", "error, warn, info or debug (info)"),
	ROW("log.format", OPT_STRING, log_format, "FORMAT", "text or json (text)"),
	{ 0 },
};
#undef ROW

struct agent {
	struct model *model;
	struct census *census;
	struct web *web;
	struct history *history; /* NULL: another agent has the socket */
	struct state *state;	 /* NULL: not asked for, or not possible */
	int timer, signals;
};

enum { POLL_SIGNALS, POLL_TIMER, POLL_WEB, POLL_HISTORY, POLL_MAX };

static int check_options(const struct agent_options *o)
{
	enum log_level level = LOG_INFO;
	enum log_format format = LOG_TEXT;

	if (o->log_level && log_parse_level(o->log_level, &level) < 0)
		return log_error(-EINVAL, "agent: --log.level does not know '%s'", o->log_level);
	if (o->log_format && log_parse_format(o->log_format, &format) < 0)
		return log_error(-EINVAL, "agent: --log.format does not know '%s'", o->log_format);
	log_setup(level, format);
	if (o->interval < LEAST_INTERVAL)
		return log_error(-EINVAL, "agent: --interval must be 50ms at least");
	if (o->window < o->interval * INTERVALS_A_WINDOW * (1 - 1e-9))
		return log_error(-EINVAL, "agent: --trend.window must be %d intervals at least",
				 INTERVALS_A_WINDOW);
	return 0;
}

static int open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, not an end */
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int open_timer(double interval)
{
	struct timespec span = { (time_t)interval, (long)((interval - (time_t)interval) * 1e9) };
	struct itimerspec spec = { span, { 0, 1 } }; /* the first at once */
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (timerfd_settime(fd, 0, &spec, NULL)) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

/* A census that fails is a hole in the trends, not the end: it is said, and the next may be whole.
 */
static void take_census(struct agent *a)
{
	uint64_t ticks;
	int r;

	if (read(a->timer, &ticks, sizeof(ticks)) != sizeof(ticks))
		return;
	r = census_run(a->census, a->model);
	if (r < 0) {
		log_warn(r, "the census failed");
		return;
	}
	if (a->state)
		state_tend(a->state, a->model);
	r = web_publish(a->web, a->model);
	if (r < 0)
		log_warn(r, "the web child did not get this census");
}

static int serve(struct agent *a)
{
	struct pollfd fds[POLL_MAX] = {
		[POLL_SIGNALS] = { .fd = a->signals, .events = POLLIN },
		[POLL_TIMER] = { .fd = a->timer, .events = POLLIN },
		[POLL_HISTORY] = { .fd = a->history ? history_fd(a->history) : -1,
				   .events = POLLIN },
	};

	for (;;) {
		/* The child, and with it its descriptor, may have been replaced. */
		fds[POLL_WEB] = (struct pollfd){ .fd = web_fd(a->web), .events = POLLIN };
		if (poll(fds, POLL_MAX, -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[POLL_SIGNALS].revents)
			return 0;
		if (fds[POLL_WEB].revents)
			web_tend(a->web);
		if (fds[POLL_TIMER].revents)
			take_census(a);
		if (fds[POLL_HISTORY].revents)
			history_answer(a->history, a->model);
	}
}

/* A host where trends cannot be saved is still watched. */
static void open_state(struct agent *a, const struct agent_options *o)
{
	int r = state_new(o->state_directory, o->window, &a->state);

	if (r == 0)
		return;
	a->model->lost[LOSS_STATE][LOSS_REFUSED]++;
	log_warn(r == -EPERM || r == -EBUSY ? 0 : r, "state: trends are not saved in '%s'%s",
		 o->state_directory,
		 r == -EPERM   ? ": it must belong to root, and no other may write to it"
		 : r == -EBUSY ? ": another agent has it"
			       : "");
}

/* The web child is started first, while there is nothing of BPF that it could inherit. */
static int agent_start(struct agent *a, const struct agent_options *o)
{
	struct web_options web = { o->listen_address, o->telemetry_path };
	int r;

	a->signals = open_signals();
	if (a->signals < 0)
		return log_error(a->signals, "agent: cannot take signals");
	r = web_new(&web, &a->web);
	if (r < 0)
		return r; /* said by web_new */
	r = model_new(o->window, o->interval, &a->model);
	if (r == 0)
		r = census_new(&(struct census_options){ .ledger = true, .titles = true }, a->model,
			       &a->census);
	if (r < 0)
		return log_error(r, "agent: cannot start the census");
	if (o->state_directory && *o->state_directory)
		open_state(a, o);
	r = history_new(&a->history);
	if (r < 0)
		log_warn(r, "history: not shared with seep top");
	a->timer = open_timer(o->interval);
	if (a->timer < 0)
		return log_error(a->timer, "agent: no timer");
	log_info("serving on http://%s%s", web_address(a->web), o->telemetry_path);
	return 0;
}

static void agent_stop(struct agent *a)
{
	web_free(a->web);
	history_free(a->history);
	state_free(a->state);
	census_free(a->census);
	model_free(a->model);
	safe_close(a->timer);
	safe_close(a->signals);
}

static int run_agent(const struct command *self, int argc, char **argv)
{
	struct agent_options o = {
		.listen_address = "127.0.0.1:10049",
		.telemetry_path = "/metrics",
		.interval = 10,
		.window = 3600,
	};
	struct agent a = { .timer = -1, .signals = -1 };
	int r = config_parse(self, argc, argv, &o, offsetof(struct agent_options, config_file));

	if (r <= 0)
		return r < 0 ? EXIT_USAGE : EXIT_DONE;
	if (check_options(&o) < 0)
		return EXIT_USAGE;
	if (geteuid() != 0) {
		log_error(0, "agent: needs root, to load BPF programs and to see every process");
		return EXIT_IMPOSSIBLE;
	}
	r = agent_start(&a, &o);
	if (r == 0)
		r = serve(&a);
	agent_stop(&a);
	return r == -EINVAL ? EXIT_USAGE : r < 0 ? EXIT_IMPOSSIBLE : EXIT_DONE;
}

const struct command command_agent = {
	"agent", "", "Watch every process, and serve what grows to Prometheus.", options, run_agent,
};
