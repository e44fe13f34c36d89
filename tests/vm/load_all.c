/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loads every program of the given BPF objects, each alone, and says what this kernel thinks of it:
 *
 *   load TOPIC PROGRAM ok
 *   load TOPIC PROGRAM absent REASON     the kernel lacks what the rung stands on
 *   load TOPIC PROGRAM refused ERRNO REASON
 *
 * Each program stands alone because a topic's user side picks rungs: what a kernel lacks must not
 * hide whether the rest of the topic loads. "absent" is what the ladder steps over (no such
 * tracepoint, function or type in the kernel's BTF); "refused" is the verifier's word, a bug.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/cleanup.h"

#define LOG_BYTES (1 << 20)

static char libbpf_said[512];
static char verifier_log[LOG_BYTES];

static int keep_first_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[sizeof(libbpf_said)];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	/* The first complaint names the cause; what follows is its echo. */
	if (!libbpf_said[0])
		snprintf(libbpf_said, sizeof(libbpf_said), "%.*s", (int)strcspn(line, "\n"), line);
	return 0;
}

/* What a kernel or libbpf says when it has never heard of the thing a rung stands on. */
static const char *const absences[] = {
	"failed to find kernel BTF type ID of", /* tp_btf, fentry, iterator: no such target */
	"kernel BTF is missing",
	"can be sleepable",	 /* sleepable iterators came after fentry's */
	"unknown func",		 /* helper or kfunc */
	"invalid func unknown#", /* a helper newer than the kernel, by its number */
	"can't locate kernel symbol",
	"does not exist",
};

static bool is_absence(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(absences); i++)
		if (strstr(text, absences[i]))
			return true;
	return false;
}

/* The verifier ends with its statistics; the line before them is its reason. */
static const char *verifier_reason(void)
{
	char *reason = NULL, *rest = verifier_log;

	for (char *line; (line = strsep(&rest, "\n"));)
		if (*line && !strstr(line, "processed ") && !strstr(line, "verification time") &&
		    !strstr(line, "stack depth"))
			reason = line;
	return reason ? reason : libbpf_said;
}

static bool report(const char *topic, const char *program, int r, bool absent, const char *reason)
{
	if (!r)
		printf("load %s %s ok\n", topic, program);
	else if (absent)
		printf("load %s %s absent %s\n", topic, program, reason);
	else
		printf("load %s %s refused %s: %s\n", topic, program, strerror(-r), reason);
	return !r || absent;
}

/* A kprobe or a tracepoint meets its target only here. Programs attached by hand have none to try.
 */
static int try_attach(const struct bpf_program *p)
{
	struct bpf_link *link = bpf_program__attach(p);
	int r = link ? 0 : -errno;

	if (r == -EOPNOTSUPP)
		return 0;
	bpf_link__destroy(link);
	return r;
}

static bool load_one(const char *path, const char *topic, const char *name)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct bpf_program *p, *wanted = NULL;
	struct bpf_object *object;
	bool fine;
	int r;

	libbpf_said[0] = verifier_log[0] = '\0';
	object = bpf_object__open_file(path, &opts);
	if (!object)
		return report(topic, name, -errno, false, "cannot open the object");
	bpf_object__for_each_program(p, object)
	{
		bpf_program__set_autoload(p, false);
		if (!strcmp(bpf_program__name(p), name))
			wanted = p;
	}
	bpf_program__set_autoload(wanted, true);
	bpf_program__set_log_buf(wanted, verifier_log, sizeof(verifier_log));
	r = bpf_object__load(object);
	if (r) {
		bool absent = is_absence(libbpf_said) || is_absence(verifier_log);

		fine = report(topic, name, r, absent, verifier_reason());
	} else {
		r = try_attach(wanted);
		fine = report(topic, name, r, r == -ENOENT || r == -ESRCH, libbpf_said);
	}
	bpf_object__close(object);
	return fine;
}

static bool load_object(const char *path)
{
	_cleanup_free_ char *topic = strdup(strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	struct bpf_object *names = bpf_object__open_file(path, NULL);
	struct bpf_program *p;
	bool fine = true;

	topic[strcspn(topic, ".")] = '\0';
	if (!names)
		return report(topic, "-", -errno, false, "cannot open the object");
	bpf_object__for_each_program(p, names) fine &= load_one(path, topic, bpf_program__name(p));
	bpf_object__close(names);
	return fine;
}

int main(int argc, char **argv)
{
	bool fine = true;

	setvbuf(stdout, NULL, _IOLBF, 0);
	libbpf_set_print(keep_first_warning);
	for (int i = 1; i < argc; i++)
		fine &= load_object(argv[i]);
	return fine ? 0 : 1;
}
