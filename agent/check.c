// SPDX-License-Identifier: GPL-2.0-only
/* What this host, or this process, allows: each topic's rung, and why not a better one. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cap-ng.h>
#include <jansson.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/commands.h"
#include "agent/model/model.h"
#include "agent/probe/census.h"
#include "agent/runtime/go/go.h"
#include "agent/sites/reader.h"

struct check_options {
	int pid;
	bool json;
};

#define ROW(name, letter, type, field, value, help)                                                \
	{                                                                                          \
		name, letter, type, offsetof(struct check_options, field), value, help             \
	}
static const struct option_row options[] = {
	ROW("pid", 'p', OPT_PID, pid, "PID", "what can be told of this process"),
	ROW("json", 0, OPT_FLAG, json, NULL, "one JSON object a line"),
	{ 0 },
};
#undef ROW

/* One line of the answer. ok: 1 yes, 0 no, -1 a mere fact. */
static void say(const struct check_options *o, const char *what, int ok, const char *value,
		const char *reason)
{
	static const char *const answers[] = { "", "no", "yes" };
	json_t *row;

	if (!o->json) {
		printf("%-6s %-18s %s%s%s\n", answers[ok + 1], what, value, reason ? "   " : "",
		       reason ? reason : "");
		return;
	}
	row = json_pack("{s:i, s:s, s:o, s:s, s:s?}", "schema", 1, "check", what, "ok",
			ok < 0 ? json_null() : json_boolean(ok), "value", value, "reason", reason);
	if (!row)
		return;
	json_dumpf(row, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(row);
}

static void check_kernel(const struct check_options *o)
{
	struct utsname u;
	bool btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;

	if (uname(&u) == 0)
		say(o, "kernel", -1, u.release, NULL);
	say(o, "BTF", btf, btf ? "/sys/kernel/btf/vmlinux" : "not there",
	    btf ? NULL : "without it /proc serves");
}

static void check_capabilities(const struct check_options *o)
{
	static const struct {
		int capability;
		const char *name, *purpose;
	} needed[] = {
		{ CAP_BPF, "CAP_BPF", "to load programs" },
		{ CAP_PERFMON, "CAP_PERFMON", "to read kernel structures and attach" },
		{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "to see descriptors of others" },
		{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "to visit network namespaces" },
		{ CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE", "to raise RLIMIT_MEMLOCK before 5.11" },
	};

	capng_get_caps_process();
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		bool have =
			capng_have_capability(CAPNG_EFFECTIVE, (unsigned int)needed[i].capability);

		say(o, needed[i].name, have, needed[i].purpose, NULL);
	}
}

static void check_probes(const struct check_options *o)
{
	bool uprobes = access("/sys/bus/event_source/devices/uprobe/type", R_OK) == 0;
	bool kprobes = access("/sys/bus/event_source/devices/kprobe/type", R_OK) == 0;
	bool v2 = access("/sys/fs/cgroup/cgroup.controllers", R_OK) == 0;

	say(o, "uprobes", uprobes,
	    uprobes ? "heap of native programs" : "no heap of native programs", NULL);
	say(o, "kprobes", kprobes, kprobes ? "ledger of descriptors" : "not built into this kernel",
	    NULL);
	say(o, "cgroups", -1, v2 ? "version 2" : "version 1 or mixed", NULL);
}

/* The same objects as the agent's, loaded and attached for a moment. */
static int check_topics(const struct check_options *o)
{
	struct model *m = NULL;
	struct census *c = NULL;
	int r = model_new(3600, 10, &m);

	if (r == 0)
		r = census_new(&(struct census_options){ .ledger = true }, m, &c);
	if (r < 0)
		log_error(r, "check: cannot start a census");
	for (size_t i = 0; r == 0 && i < m->n_rungs; i++)
		say(o, m->rungs[i].topic, -1, m->rungs[i].rung,
		    *m->rungs[i].reason ? m->rungs[i].reason : NULL);
	census_free(c);
	model_free(m);
	return r;
}

static void check_readable(const struct check_options *o, struct reader *reader)
{
	static const struct {
		enum reader_file file;
		const char *what, *purpose;
	} rows[] = {
		{ READER_MAPS, "maps", "to name the modules of a stack" },
		{ READER_EXECUTABLE, "exe", "to read its symbols and unwinding tables" },
		{ READER_MEMORY, "mem", "to read its runtime" },
		{ READER_PAGES, "pagemap", "to read of it only what is there" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_close_ int fd = -1;
		int r = reader_open(reader, o->pid, rows[i].file, &fd);

		say(o, rows[i].what, r == 0, rows[i].purpose, r < 0 ? strerror(-r) : NULL);
	}
}

/* Of very many, a sample is read. */
static void say_sample(const struct check_options *o, const struct go_report *r)
{
	char value[128];

	if (!r->count_error)
		return;
	snprintf(value, sizeof(value),
		 "of goroutines, %" PRIu64 " now: counts have a standard error of %" PRIu64
		 " at most",
		 r->live, r->count_error);
	say(o, "sample", -1, value, NULL);
}

/* What a count lacks is in its error, where it is not too much. */
static void say_unread(const struct check_options *o, const struct go_unread *u)
{
	char value[128];

	if (u->absent + u->swapped == 0)
		return;
	snprintf(value, sizeof(value),
		 "%" PRIu64 " reads met pages that are swapped out, %" PRIu64
		 " that are not there: left so",
		 u->swapped, u->absent);
	say(o, "not read", -1, value, NULL);
}

static void say_go(const struct check_options *o, const struct go_report *r)
{
	char value[256], version[4 * GO_VERSION];

	snprintf(value, sizeof(value), "%s%s, %s timers stay until they fire",
		 go_version(r, version, sizeof(version)),
		 r->calibrated ? ", offsets derived from the program" : "",
		 r->async_timers ? "dropped" : "only some");
	say(o, "go", -1, value, NULL);
	for (enum go_feature f = 0; f < GO_FEATURE_MAX; f++)
		say(o, go_feature_name(f), r->status[f] == GO_READ, "of the Go runtime",
		    r->status[f] == GO_READ ? NULL : go_status_text(r->status[f]));
	say_sample(o, r);
	say_unread(o, &r->unread);
}

/* Most programs are none of Go, and that is no failure. */
static void check_go(const struct check_options *o, struct reader *reader)
{
	struct go_request request = { .wanted = ~0u, .most = GO_MOST };
	struct go_report *report = NULL;
	int r = go_scan(reader, o->pid, &request, GO_TIMEOUT_NS, &report);

	if (r == 0)
		say_go(o, report);
	else if (r == -ENOEXEC)
		say(o, "go", -1, go_error_text(r), NULL);
	else
		say(o, "go", 0, "its runtime", go_error_text(r));
	free(report);
}

/* Whatever can wait for the process is asked of the reader. */
static int check_contents(const struct check_options *o)
{
	struct reader *reader = NULL;
	int r = reader_new(&reader);

	if (r < 0)
		return log_error(r, "check: cannot start the reader");
	check_readable(o, reader);
	check_go(o, reader);
	reader_free(reader);
	return 0;
}

static int check_process(const struct check_options *o)
{
	struct model *m = NULL;
	struct census *c = NULL;
	struct model_process *p = NULL;
	int r = model_new(3600, 10, &m);

	if (r == 0)
		r = census_new(&(struct census_options){ .only_pid = o->pid }, m, &c);
	if (r == 0)
		r = census_run(c, m);
	if (r == 0)
		p = model_find(m, o->pid);
	if (r < 0)
		log_error(r, "check: the census failed");
	else if (!p)
		r = log_error(-ESRCH, "check: process %d", o->pid);
	else if (p->kernel_thread)
		say(o, "process", 0, p->comm, "a kernel thread: it owns nothing that seep counts");
	if (p && !p->kernel_thread) {
		say(o, "process", -1, p->exe ? p->exe : p->comm, NULL);
		say(o, "group", -1, p->group ? p->group->name : "", NULL);
		say(o, "counts", p->cells[SLOT_FD].live != LIVE_UNKNOWN,
		    "live counts of every resource", p->reason);
		r = check_contents(o);
	}
	census_free(c);
	model_free(m);
	return r;
}

static int run_check(const struct command *self, int argc, char **argv)
{
	struct check_options o = { 0 };
	int r = options_parse(self, argc, argv, &o);

	if (r <= 0)
		return r < 0 ? EXIT_USAGE : EXIT_DONE;
	if (o.pid)
		return check_process(&o) < 0 ? EXIT_IMPOSSIBLE : EXIT_DONE;
	check_kernel(&o);
	check_capabilities(&o);
	check_probes(&o);
	return check_topics(&o) < 0 ? EXIT_IMPOSSIBLE : EXIT_DONE;
}

const struct command command_check = {
	"check", "",	    "Show what this host, or one process, allows, and why not more.",
	options, run_check,
};
