// SPDX-License-Identifier: GPL-2.0-only
/* The detector over a recorded series: what would seep have said, and when? */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/commands.h"
#include "agent/model/model.h"
#include "agent/replay/recording.h"
#include "agent/trend/series.h"

#define SCHEMA 1

struct replay_options {
	bool json, explain;
	double window;
};

#define ROW(name, type, field, value, help)                                                        \
	{                                                                                          \
		name, 0, type, offsetof(struct replay_options, field), value, help                 \
	}
static const struct option_row options[] = {
	ROW("json", OPT_FLAG, json, NULL, "one JSON object a line"),
	ROW("explain", OPT_FLAG, explain, NULL, "the evidence at each change"),
	ROW("window", OPT_DURATION, window, "SPAN", "what the trend is measured by (1h)"),
	{ 0 },
};
#undef ROW

/* A change of verdict, and all that is said about it. */
struct change {
	const char *series; /* NULL when there is but one */
	struct recording_point at;
	struct trend trend;
	struct evidence evidence;
};

static json_t *number_or_null(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static double eta_of(const struct change *c)
{
	return isnan(c->at.bound) ? NAN : trend_eta(&c->trend, c->at.value, c->at.bound);
}

static void set_explained(json_t *row, const struct change *c)
{
	char evidence[EVIDENCE_MAX];
	double low = NAN, high = NAN;

	evidence_write(&c->trend, &c->evidence, false, evidence, sizeof(evidence));
	if (!isnan(c->at.bound))
		trend_eta_range(&c->trend, &c->evidence, c->at.value, c->at.bound, &low, &high);
	json_object_set_new(row, "since", number_or_null(c->trend.since));
	json_object_set_new(row, "rate_error", number_or_null(c->evidence.rate_error));
	json_object_set_new(row, "eta_low_seconds", number_or_null(low));
	json_object_set_new(row, "eta_high_seconds", number_or_null(high));
	json_object_set_new(row, "evidence", json_string(evidence));
}

static int print_json(const struct change *c, bool explain)
{
	json_t *row = json_object();
	int r;

	json_object_set_new(row, "schema", json_integer(SCHEMA));
	if (c->series)
		json_object_set_new(row, "series", json_string(c->series));
	json_object_set_new(row, "time_seconds", json_real(c->at.time));
	json_object_set_new(row, "verdict", json_string(verdict_name(c->trend.verdict)));
	json_object_set_new(row, "rate_per_hour", number_or_null(c->trend.rate_per_hour));
	json_object_set_new(row, "eta_seconds", number_or_null(eta_of(c)));
	if (explain)
		set_explained(row, c);
	r = row && json_dumpf(row, stdout, JSON_COMPACT) == 0 ? 0 : -ENOMEM;
	json_decref(row);
	putchar('\n');
	return r;
}

static void print_text(const struct change *c, bool explain)
{
	char eta[32] = "-", evidence[EVIDENCE_MAX];

	if (!isnan(eta_of(c)))
		model_format_span(eta_of(c), eta, sizeof(eta));
	printf("%14.0f  %-8s %12.6g/h  %8s", c->at.time, verdict_name(c->trend.verdict),
	       c->trend.rate_per_hour, eta);
	if (c->series)
		printf("  %s", c->series);
	putchar('\n');
	if (!explain)
		return;
	evidence_write(&c->trend, &c->evidence, false, evidence, sizeof(evidence));
	printf("%14s  %s\n", "", evidence);
}

static int replay_series(const struct recorded_series *recorded, bool named,
			 const struct replay_options *o)
{
	struct series *s = series_new(true);
	enum verdict before = VERDICT_UNKNOWN;
	int r = s ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < recorded->n; i++) {
		struct change c = { named ? recorded->name : NULL,
				    recorded->points[i],
				    { VERDICT_UNKNOWN, NAN, NAN },
				    { .rate_error = NAN } };

		series_add(s, c.at.time, c.at.value, o->window);
		c.trend = series_trend(s);
		if (c.trend.verdict == before)
			continue;
		before = c.trend.verdict;
		c.evidence = series_evidence(s);
		if (o->json)
			r = print_json(&c, o->explain);
		else
			print_text(&c, o->explain);
	}
	series_free(s);
	return r;
}

/* All of the file, or of standard input for "-". */
static int read_all(const char *path, char **ret, size_t *ret_size)
{
	_cleanup_close_ int fd =
		strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t room = 0, n = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	do {
		if (n == room) {
			char *grown = realloc(text, room = room ? 2 * room : 65536);

			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		got = read(fd, text + n, room - n);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	if (got < 0)
		return -errno;
	*ret = TAKE_PTR(text);
	*ret_size = n;
	return 0;
}

static int replay_file(const char *path, const struct replay_options *o)
{
	struct recording recording = { 0 };
	_cleanup_free_ char *text = NULL;
	char message[RECORDING_ERROR];
	size_t size = 0;
	int r = read_all(path, &text, &size);

	if (r < 0)
		return log_error(r, "replay: cannot read '%s'", path);
	r = recording_parse(text, size, &recording, message);
	if (r < 0)
		return log_error(0, "replay: '%s' %s", path, message), r;
	for (size_t i = 0; r == 0 && i < recording.n; i++)
		r = replay_series(&recording.series[i], recording.n > 1, o);
	recording_free(&recording);
	return r < 0 ? log_error(r, "replay: '%s'", path) : 0;
}

static int run_replay(const struct command *self, int argc, char **argv)
{
	struct replay_options o = { .window = 3600 };
	int r = options_parse(self, argc, argv, &o);

	if (r <= 0)
		return r < 0 ? EXIT_USAGE : EXIT_DONE;
	if (argc - r != 1 || !(o.window > 0)) {
		log_error(0, argc - r == 1
				     ? "replay: --window must be longer than nothing"
				     : "replay: one FILE is needed; see 'seep replay --help'");
		return EXIT_USAGE;
	}
	return replay_file(argv[r], &o) < 0 ? EXIT_USAGE : EXIT_DONE;
}

const struct command command_replay = {
	"replay", "FILE", "Say what the verdict would have been over a recorded series.", options,
	run_replay
};
