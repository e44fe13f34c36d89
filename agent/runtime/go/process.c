// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/process.h"

#define ATTACH_NS	1500000000ull
#define ATTACH_BYTES	(512ull << 20)
#define ENVIRON_MAX	65536u
#define GOROUTINE_BYTES 384u /* no version's struct g is smaller */

void go_process_free(struct go_process *p)
{
	if (!p)
		return;
	go_memory_free(&p->memory);
	free(p->channels);
	free(p->makers);
	free(p);
}

static void cleanup_process(struct go_process **p)
{
	go_process_free(*p);
}

/* The value of the last variable of that name, as the runtime takes it; NULL when there is none. */
static const char *find_variable(const char *environ, size_t size, const char *name)
{
	size_t n = strlen(name);
	const char *found = NULL;

	for (size_t at = 0; at < size; at += strnlen(environ + at, size - at) + 1)
		if (strncmp(environ + at, name, n) == 0 && environ[at + n] == '=')
			found = environ + at + n + 1;
	return found;
}

/* Nothing else of the environment is kept. */
static void read_environment(const struct source *source, struct go_process *p)
{
	_cleanup_free_ char *environ = calloc(1, ENVIRON_MAX + 1);
	struct wire_ask ask = { .kind = WIRE_ENVIRON };
	_cleanup_close_ int fd = -1;
	const char *debug;
	ssize_t n;

	p->async_timers = p->image.async_timers;
	if (!environ || source->open(source->context, &ask, &fd) < 0)
		return;
	n = pread(fd, environ, ENVIRON_MAX, 0);
	if (n <= 0)
		return;
	p->limit_from_environment = find_variable(environ, (size_t)n, "GOMEMLIMIT");
	debug = find_variable(environ, (size_t)n, "GODEBUG");
	if (!debug || !p->image.async_timers_open)
		return;
	if (strstr(debug, "asynctimerchan=1"))
		p->async_timers = true;
	else if (strstr(debug, "asynctimerchan=0"))
		p->async_timers = false;
}

/* The runtime's own words for what goroutines wait for: their numbers change between versions. */
static void read_wait_reasons(struct go_process *p)
{
	uint64_t strings[2 * GO_WAIT_REASONS];

	if (!p->variables.wait_reasons ||
	    go_memory_read(&p->memory, p->variables.wait_reasons, strings, sizeof(strings)) < 0)
		return;
	for (size_t i = 0; i < GO_WAIT_REASONS; i++) {
		uint64_t n = strings[2 * i + 1];

		if (n == 0 || n >= GO_WAIT_REASON_SIZE)
			continue;
		if (go_memory_fixed(&p->memory, strings[2 * i], p->wait_reasons[i], n) < 0)
			p->wait_reasons[i][0] = '\0';
	}
}

static int open_pages(const struct source *source, struct go_process *p)
{
	struct wire_ask ask = { .kind = WIRE_PAGEMAP };
	int r = source->open(source->context, &ask, &p->memory.pages.fd);

	p->memory.pages.image = &p->image;
	return r == -ENOENT ? -EOPNOTSUPP : r;
}

static int learn(const struct source *source, struct go_process *p)
{
	struct wire_ask ask = { .kind = WIRE_MEM };
	int r = go_image_read(source, &p->image);

	if (r == 0)
		r = source->open(source->context, &ask, &p->memory.fd);
	if (r == 0)
		r = open_pages(source, p);
	if (r < 0)
		return r;
	go_memory_begin(&p->memory, source, ATTACH_NS, ATTACH_BYTES);
	r = go_module_find(&p->image, &p->memory, &p->module);
	if (r < 0)
		return r;
	go_layout_of(p->image.minor, &p->layout);
	r = go_variables_find(&p->module, p->layout.stats_buckhash, &p->variables);
	if (r < 0)
		return r;
	read_wait_reasons(p);
	read_environment(source, p);
	if (!p->variables.allgs || !p->variables.main)
		return 0;
	r = go_layout_goroutines(&p->layout, &p->module, &p->variables);
	p->goroutines = r == 0;
	return r == -ENXIO ? r : 0; /* it may be there another time */
}

int go_process_new(const struct source *source, struct go_process **ret)
{
	_cleanup_(cleanup_process) struct go_process *p = calloc(1, sizeof(*p));
	uint64_t began = go_cpu_ns();
	int r;

	if (!p)
		return -ENOMEM;
	p->memory.fd = p->memory.pages.fd = -1;
	r = learn(source, p);
	if (r < 0)
		return r;
	p->attach_ns = go_cpu_ns() - began;
	*ret = TAKE_PTR(p);
	return 0;
}

enum go_status go_status_of(int error)
{
	switch (error) {
	case 0:
		return GO_READ;
	case -E2BIG:
	case -ETIME:
	case -ENOMEM:
		return GO_TOO_LONG;
	case -EPROTO:
		return GO_TORN;
	case -ENXIO:
		return GO_ABSENT;
	}
	return GO_UNREADABLE;
}

int go_process_heap(struct go_process *p)
{
	uint64_t all, first, away = go_memory_away(&p->memory);
	int r;

	if (p->heap.arenas)
		return 0;
	if (p->heap_tried || !p->variables.allgs)
		return -ENODATA;
	p->heap_tried = true;
	r = go_memory_word(&p->memory, p->variables.allgs, &all);
	if (r == 0)
		r = go_memory_word(&p->memory, all, &first);
	if (r == 0)
		r = go_heap_find(&p->variables, &p->memory, first, GOROUTINE_BYTES, &p->heap);
	if (r == 0 || go_memory_away(&p->memory) == away)
		return r;
	p->heap_tried = false; /* it may be there another time */
	return -ENXIO;
}
