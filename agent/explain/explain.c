// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/commands.h"
#include "agent/explain/bounds.h"
#include "agent/explain/source.h"
#include "agent/explain/target_check.h"
#include "agent/explain/turn.h"
#include "agent/explain/watch.h"
#include "agent/model/resource.h"
#include "agent/sites/reader.h"
#include "exporters/explain.h"

#define DEFAULT_DURATION 30
#define DEFAULT_BUDGET	 0.05
#define DEFAULT_EXACT	 1.0 /* who asks for every call knows that it costs */

static const struct source *const sources[] = { &source_all,  &source_acquire,
						&source_heap, &source_transaction,
						&source_go,   &source_gobirths };

/* Words of the design that are no slot of the model. */
static const char *const further_resources[] = { "heap", "pool", "gc" };

#define FIELD(name) offsetof(struct explain_options, name)

static const struct option_row options[] = {
	{ "pid", 'p', OPT_PID, FIELD(pid), "PID", "the process to explain" },
	{ "duration", 0, OPT_DURATION, FIELD(duration), "TIME", "how long to watch (30s)" },
	{ "resource", 0, OPT_STRING, FIELD(resource), "NAME",
	  "fd, tcp, udp, unix, timer, watch, thread, process, mapping, goroutine, gotimer, "
	  "goheap, gc, channel, transaction, pool (all of these); heap" },
	{ "budget", 0, OPT_PERCENT, FIELD(budget), "SHARE",
	  "share of one CPU that it may cost over the duration; more, and it ends (5%, exact "
	  "100%)" },
	{ "exact", 0, OPT_FLAG, FIELD(exact), NULL, "heap: follow every allocation" },
	{ "active", 0, OPT_FLAG, FIELD(active), NULL,
	  "goheap: write into the program: its heap profile is on for the watch, where it was off; "
	  "goroutines are never marked as leaked" },
	{ "alloc-fn", 0, OPT_STRING, FIELD(alloc_function), "NAME",
	  "heap: a function that allocates" },
	{ "free-fn", 0, OPT_STRING, FIELD(free_function), "NAME", "heap: the one that frees" },
	{ "json", 0, OPT_FLAG, FIELD(json), NULL, "a JSON object a line" },
	{ "pprof", 0, OPT_STRING, FIELD(pprof), "FILE", "write a pprof profile" },
	{ "folded", 0, OPT_STRING, FIELD(folded), "FILE", "write folded stacks for a flame graph" },
	{ 0 },
};

static bool is_resource(const char *name)
{
	if (!name || resource_exists(name))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(further_resources); i++)
		if (strcmp(name, further_resources[i]) == 0)
			return true;
	return false;
}

/* EXIT_DONE or EXIT_USAGE, with one line. */
static int check_options(const struct explain_options *o)
{
	if (!o->pid)
		log_error(0, "explain: which process? say -p PID");
	else if (!is_resource(o->resource))
		log_error(0, "explain: '%s' is no resource; see 'seep explain --help'",
			  o->resource);
	else if (o->duration <= 0)
		log_error(0, "explain: --duration must be longer than nothing");
	else if ((o->exact || o->alloc_function || o->free_function) &&
		 (!o->resource || strcmp(o->resource, "heap") != 0))
		log_error(0, "explain: --exact, --alloc-fn and --free-fn are for --resource heap");
	else if (o->active && o->resource && strcmp(o->resource, "goheap") != 0)
		log_error(0, "explain: --active is for --resource goheap, or for all of a Go "
			     "program");
	else if (!o->alloc_function != !o->free_function)
		log_error(0, "explain: --alloc-fn and --free-fn belong together");
	else
		return EXIT_DONE;
	return EXIT_USAGE;
}

static const struct source *find_source(const struct explain_options *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (sources[i]->wants(o))
			return sources[i];
	return NULL;
}

static void cleanup_reader(struct reader **r)
{
	reader_free(*r);
}

static int write_outputs(const struct explain_options *o, struct findings *findings,
			 const struct explain_summary *summary)
{
	int r = 0;

	if (o->pprof)
		r = explain_write_file(o->pprof, pprof_write, findings, summary);
	if (o->folded && r == 0)
		r = explain_write_file(o->folded, folded_write, findings, summary);
	if (r == 0)
		r = (o->json ? explain_json_write : explain_text_write)(stdout, findings, summary);
	if (r == 0 && fflush(stdout) != 0)
		r = -errno;
	return r == 0 ? EXIT_DONE : EXIT_IMPOSSIBLE;
}

/* What lasts longer than the watch looks like what is kept, until as many end as begin. Of a
 * process that was there for longer than it was watched, that is over as a rule. */
static void tell_youth(double age, const struct explain_summary *summary,
		       const struct findings *findings)
{
	bool keeps = false;

	for (size_t i = 0; i < findings->n && !keeps; i++)
		keeps = findings->rows[i].verdict == SITE_KEEPS;
	if (keeps && age < summary->seconds)
		log_info("explain: process %d began %.0f s before the watch: it may warm up yet, "
			 "and what "
			 "it keeps for longer than %.0f s looks like a leak; a later watch will "
			 "tell",
			 summary->pid, age, summary->seconds);
}

static int explain(const struct explain_options *o, const struct source *source, int pidfd)
{
	_cleanup_(cleanup_reader) struct reader *reader = NULL;
	struct explain_summary summary = { .pid = o->pid };
	struct findings findings = { 0 };
	struct explain_bounds bounds;
	double age = target_age(o->pid);
	int r = reader_new(&reader);

	if (r < 0)
		return log_error(r, "explain: cannot start the reader");
	explain_bounds_read(o->pid, &bounds);
	r = watch_run(o, source, reader, pidfd, &findings, &summary);
	if (r == 0) {
		explain_bounds_set(&bounds, &findings);
		findings_sort(&findings);
		tell_youth(age, &summary, &findings);
		r = write_outputs(o, &findings, &summary);
	}
	findings_clear(&findings);
	return r;
}

/* libbpf tells the user what only a developer can read; each failure is logged in our words. */
static int no_output(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

static int run_explain(const struct command *self, int argc, char **argv)
{
	struct explain_options o = { .duration = DEFAULT_DURATION, .budget = NAN };
	_cleanup_close_ int pidfd = -1, turn = -1;
	const struct source *source;
	int r = options_parse(self, argc, argv, &o);

	if (r <= 0)
		return r < 0 ? EXIT_USAGE : EXIT_DONE;
	if (isnan(o.budget))
		o.budget = o.exact ? DEFAULT_EXACT : DEFAULT_BUDGET;
	r = check_options(&o);
	if (r != EXIT_DONE)
		return r;
	source = find_source(&o);
	if (!source) {
		log_error(0, "explain: nothing here can explain %s", o.resource);
		return EXIT_IMPOSSIBLE;
	}
	if (geteuid() != 0) {
		log_error(0, "explain: needs root, to watch another process from the kernel");
		return EXIT_IMPOSSIBLE;
	}
	if (target_open(o.pid, &pidfd) < 0)
		return EXIT_IMPOSSIBLE;
	turn = turn_take(o.pid);
	if (turn < 0) {
		log_error(turn, "explain: process %d is not free to be watched", o.pid);
		return EXIT_IMPOSSIBLE;
	}
	libbpf_set_print(no_output);
	r = explain(&o, source, pidfd);
	return r < 0 ? EXIT_IMPOSSIBLE : r;
}

const struct command command_explain = {
	"explain", "",
	"Name the code of one process that takes a resource and does not give it back.", options,
	run_explain
};
